/**
 * The demo's networks: some 40 small convolutional networks of six families, drawn by a seed. Widths, depths and input
 * sizes vary within a family, as in a team's own search for an architecture.
 */
import { createRandom } from '../engine';
import { type Activation, NetworkBuilder } from './network-builder';

export interface DemoNetwork {
  /** Family and number, for example `residual-3`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Choices {
  readonly builder: NetworkBuilder;
  /** Channels of the first stage. */
  readonly width: number;
  /** Blocks in each stage. */
  readonly depth: number;
  /** A whole number from `low` to `high`. */
  readonly pick: (low: number, high: number) => number;
}

const STAGES = 3;

/** Convolutions and max pools, as in VGG. */
function plain({ builder, width, depth }: Choices): Activation {
  let x = builder.convolution(builder.input(), width, { stride: 2 });
  for (let stage = 0; stage < STAGES; stage++) {
    for (let i = 0; i < depth; i++) x = builder.convolution(x, width << stage);
    x = builder.pool(x, 'MaxPool');
  }
  return x;
}

/** Residual basic blocks with unfolded batch normalisation, as in ResNet-18. */
function residual({ builder, width, depth }: Choices): Activation {
  let x = builder.pool(
    builder.convolution(builder.input(), width, { kernel: 7, stride: 2, normalize: true }),
    'MaxPool',
    3,
    2,
  );
  for (let stage = 0; stage < STAGES; stage++) {
    for (let i = 0; i < depth; i++) {
      const channels = width << stage;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const inner = builder.convolution(x, channels, { stride, normalize: true });
      const branch = builder.convolution(inner, channels, { activation: 'none', normalize: true });
      const narrow = stride !== 1 || x.channels !== channels;
      const shortcut = narrow
        ? builder.convolution(x, channels, { kernel: 1, stride, activation: 'none', normalize: true })
        : x;
      x = builder.activation(builder.sum(branch, shortcut), 'relu');
    }
  }
  return x;
}

/** Depthwise and pointwise convolutions, as in MobileNet v1. */
function depthwiseSeparable({ builder, width, depth }: Choices): Activation {
  let x = builder.convolution(builder.input(), width, { stride: 2, activation: 'relu6' });
  for (let stage = 0; stage < STAGES; stage++) {
    for (let i = 0; i < depth; i++) {
      x = builder.depthwise(x, { stride: i === 0 ? 2 : 1, activation: 'relu6' });
      x = builder.convolution(x, width << (stage + 1), { kernel: 1, activation: 'relu6' });
    }
  }
  return x;
}

/** Inverted residuals with squeeze-and-excitation, as in MobileNet v3. */
function invertedResidual({ builder, width, depth, pick }: Choices): Activation {
  let x = builder.convolution(builder.input(), width, { stride: 2, activation: 'hardSwish' });
  for (let stage = 0; stage < STAGES; stage++) {
    const kernel = pick(1, 2) * 2 + 1;
    for (let i = 0; i < depth; i++) {
      const channels = width + 8 * stage;
      const expanded = builder.convolution(x, x.channels * pick(3, 5), { kernel: 1, activation: 'hardSwish' });
      const filtered = builder.depthwise(expanded, { kernel, stride: i === 0 ? 2 : 1, activation: 'hardSwish' });
      const projected = builder.convolution(builder.squeezeExcite(filtered, 4), channels, {
        kernel: 1,
        activation: 'none',
      });
      x = i > 0 && x.channels === channels ? builder.sum(projected, x) : projected;
    }
  }
  return builder.convolution(x, x.channels * 4, { kernel: 1, activation: 'hardSwish' });
}

/** Every layer reads all earlier ones of its stage, as in DenseNet. */
function dense({ builder, width, depth }: Choices): Activation {
  let x = builder.convolution(builder.input(), width * 2, { stride: 2 });
  for (let stage = 0; stage < STAGES; stage++) {
    for (let i = 0; i < depth + 1; i++) {
      const bottleneck = builder.convolution(x, width * 2, { kernel: 1 });
      x = builder.concatenation([x, builder.convolution(bottleneck, width)]);
    }
    x = builder.pool(builder.convolution(x, x.channels >> 1, { kernel: 1 }), 'AveragePool');
  }
  return x;
}

/** Bottlenecks with grouped 3x3 convolutions, as in ResNeXt. */
function grouped({ builder, width, depth, pick }: Choices): Activation {
  const groupWidth = pick(1, 2) * 8;
  const base = Math.ceil(width / groupWidth) * groupWidth;
  let x = builder.convolution(builder.input(), base, { stride: 2 });
  for (let stage = 0; stage < STAGES; stage++) {
    for (let i = 0; i < depth; i++) {
      const channels = base << stage;
      const stride = i === 0 ? 2 : 1;
      const reduced = builder.convolution(x, channels, { kernel: 1 });
      const inner = builder.convolution(reduced, channels, { stride, groups: channels / groupWidth });
      const branch = builder.convolution(inner, channels, { kernel: 1, activation: 'none' });
      const shortcut = stride === 1 ? x : builder.convolution(x, channels, { kernel: 1, stride, activation: 'none' });
      x = builder.activation(builder.sum(branch, shortcut), 'relu');
    }
  }
  return x;
}

const FAMILIES: Readonly<Record<string, (choices: Choices) => Activation>> = {
  plain,
  residual,
  'depthwise-separable': depthwiseSeparable,
  'inverted-residual': invertedResidual,
  dense,
  grouped,
};

/**
 * Builds the networks, family by family in turn, so that any contiguous part holds every family.
 *
 * @param count how many
 * @param seed the same seed gives the same bytes
 */
export function* buildDemoNetworks(count: number, seed: number): Generator<DemoNetwork> {
  const random = createRandom(seed);
  const pick = (low: number, high: number) => low + Math.floor(random.uniform() * (high - low + 1));
  const families = Object.entries(FAMILIES);
  for (let i = 0; i < count; i++) {
    const [family, build] = families[i % families.length];
    const name = `${family}-${1 + Math.floor(i / families.length)}`;
    const builder = new NetworkBuilder(name, 32 * pick(2, 5), () => random.uniform());
    const x = build({ builder, width: 8 * pick(1, 4), depth: pick(1, 3), pick });
    yield { name, bytes: builder.classify(x, 10 * pick(1, 20)) };
  }
}
