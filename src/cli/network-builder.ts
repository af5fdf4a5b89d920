/**
 * Builds small convolutional networks as ONNX files, layer by layer, with random weights: input for the demo and for tests
 * that need networks which really run. Shapes are tracked here because a builder must know its channels; the engine's own
 * inference stays the judge of them.
 */
import { type OnnxAttribute, type OnnxConstant, type OnnxNode, writeOnnx } from '../engine';

/** An activation tensor under construction. */
export interface Activation {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export type ActivationFunction = 'none' | 'relu' | 'relu6' | 'hardSwish' | 'sigmoid' | 'hardSigmoid';

export interface ConvolutionOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly activation?: ActivationFunction;
  /** A BatchNormalization between convolution and activation, as in a network that was not folded at export. */
  readonly normalize?: boolean;
}

export class NetworkBuilder {
  private readonly nodes: OnnxNode[] = [];
  private readonly constants: OnnxConstant[] = [];
  private readonly inputShape: readonly number[];

  /**
   * @param name the network's name
   * @param size height and width of the input image, pixels
   * @param random uniform numbers in [0, 1): weights are drawn from it
   */
  constructor(
    readonly name: string,
    size: number,
    private readonly random: () => number,
  ) {
    this.inputShape = [1, 3, size, size];
  }

  input(): Activation {
    return { name: 'input', channels: 3, height: this.inputShape[2], width: this.inputShape[3] };
  }

  convolution(x: Activation, channels: number, options: ConvolutionOptions = {}): Activation {
    const { kernel = 3, stride = 1, groups = 1, activation = 'relu', normalize = false } = options;
    const padding = (kernel - 1) >> 1;
    const fanIn = (x.channels / groups) * kernel * kernel;
    const weight = this.weights([channels, x.channels / groups, kernel, kernel], Math.sqrt(2 / fanIn));
    const bias = this.weights([channels], 0.1);
    const size = (pixels: number) => Math.floor((pixels + 2 * padding - kernel) / stride) + 1;
    const convolved = {
      ...this.add('Conv', [x.name, weight, bias], {
        kernel_shape: { ints: [kernel, kernel] },
        strides: { ints: [stride, stride] },
        pads: { ints: [padding, padding, padding, padding] },
        dilations: { ints: [1, 1] },
        group: { int: groups },
      }),
      channels,
      height: size(x.height),
      width: size(x.width),
    };
    return this.activation(normalize ? this.normalization(convolved) : convolved, activation);
  }

  depthwise(x: Activation, options: Omit<ConvolutionOptions, 'groups'> = {}): Activation {
    return this.convolution(x, x.channels, { ...options, groups: x.channels });
  }

  activation(x: Activation, kind: ActivationFunction): Activation {
    switch (kind) {
      case 'none':
        return x;
      case 'relu':
        return { ...x, ...this.add('Relu', [x.name]) };
      case 'relu6':
        return { ...x, ...this.add('Clip', [x.name, this.scalar(0), this.scalar(6)]) };
      case 'hardSwish':
        return { ...x, ...this.add('HardSwish', [x.name]) };
      case 'sigmoid':
        return { ...x, ...this.add('Sigmoid', [x.name]) };
      case 'hardSigmoid':
        return { ...x, ...this.add('HardSigmoid', [x.name], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }) };
    }
  }

  sum(a: Activation, b: Activation): Activation {
    return { ...a, ...this.add('Add', [a.name, b.name]) };
  }

  /** Elementwise product; `b` may be one value per channel. */
  product(a: Activation, b: Activation): Activation {
    return { ...a, ...this.add('Mul', [a.name, b.name]) };
  }

  concatenation(parts: readonly Activation[]): Activation {
    const channels = parts.reduce((sum, part) => sum + part.channels, 0);
    return {
      ...parts[0],
      channels,
      ...this.add(
        'Concat',
        parts.map(({ name }) => name),
        { axis: { int: 1 } },
      ),
    };
  }

  pool(x: Activation, kind: 'MaxPool' | 'AveragePool', kernel = 2, stride = 2): Activation {
    const padding = (kernel - 1) >> 1;
    const size = (pixels: number) => Math.floor((pixels + 2 * padding - kernel) / stride) + 1;
    const pooled = this.add(kind, [x.name], {
      kernel_shape: { ints: [kernel, kernel] },
      strides: { ints: [stride, stride] },
      pads: { ints: [padding, padding, padding, padding] },
    });
    return { ...x, ...pooled, height: size(x.height), width: size(x.width) };
  }

  globalPool(x: Activation): Activation {
    return { ...x, ...this.add('GlobalAveragePool', [x.name]), height: 1, width: 1 };
  }

  /** Squeeze-and-excitation: a gate per channel from the pooled activations. */
  squeezeExcite(x: Activation, reduction: number): Activation {
    const reduced = Math.max(4, Math.round(x.channels / reduction));
    const squeezed = this.convolution(this.globalPool(x), reduced, { kernel: 1 });
    return this.product(x, this.convolution(squeezed, x.channels, { kernel: 1, activation: 'hardSigmoid' }));
  }

  /** Ends the network with a global pool and a classifier, and encodes it. */
  classify(x: Activation, classes: number): Uint8Array {
    const flat = this.add('Flatten', [this.globalPool(x).name], { axis: { int: 1 } }).name;
    const weight = this.weights([classes, x.channels], Math.sqrt(1 / x.channels));
    const output = this.add('Gemm', [flat, weight, this.weights([classes], 0.1)], { transB: { int: 1 } }).name;
    return writeOnnx({
      name: this.name,
      inputs: [{ name: 'input', type: 'float32', shape: this.inputShape }],
      outputs: [{ name: output, type: 'float32', shape: [1, classes] }],
      nodes: this.nodes,
      constants: this.constants,
    });
  }

  private normalization(x: Activation): Activation {
    const statistics = [1, 0.1, 0.1].map((spread, i) => this.weights([x.channels], spread, i === 0 ? 1 : 0));
    const variance = this.weights([x.channels], 0, 1);
    return { ...x, ...this.add('BatchNormalization', [x.name, ...statistics, variance]) };
  }

  private add(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, OnnxAttribute> = {},
  ): { name: string } {
    const name = `${type.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push({ type, name, inputs, outputs: [`${name}_output`], attributes });
    return { name: `${name}_output` };
  }

  private scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  /** Uniform weights around `center` with the given standard deviation. */
  private weights(shape: readonly number[], deviation: number, center = 0): string {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = center + (this.random() - 0.5) * deviation * Math.sqrt(12);
    return this.constant(shape, values);
  }

  private constant(shape: readonly number[], values: Float32Array): string {
    const name = `constant_${this.constants.length}`;
    this.constants.push({ name, shape, values });
    return name;
  }
}
