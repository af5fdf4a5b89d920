/** Changed networks against the same networks built, or exported, with other numbers in the first place. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Activation, NetworkBuilder } from '../../src/cli/network-builder';
import {
  changeGraph,
  EngineError,
  featurize,
  type Graph,
  type NetworkChange,
  parseChange,
  planKernels,
  readNetwork,
} from '../../src/engine';
import { createRandom } from '../../src/engine/random';
import { describeWithShared, SHARED } from '../testkit/shared';

const RUNTIMES = ['onnxruntime-cpu', 'tflite-gpu/adreno-640', 'torch-vulkan', 'tflite-cpu'];

/** What a runtime makes of a network, without the names of tensors. */
function planned(graph: Graph, runtime: string) {
  const plan = planKernels(graph, runtime);
  const features = featurize(plan);
  return plan.kernels.map(({ kind, fused, ops, reason, nearMiss }, i) => ({
    ...{ kind, fused, ops, reason, nearMiss },
    features: features[i],
  }));
}

function expectAlike(changed: Graph, built: Graph): void {
  const shapes = ({ tensors }: Graph) =>
    Object.fromEntries([...tensors.values()].map(({ name, shape }) => [name, shape]));
  expect(shapes(changed)).toEqual(shapes(built));
  for (const runtime of RUNTIMES) expect(planned(changed, runtime)).toEqual(planned(built, runtime));
}

/** A network whose structure the seed decides, and whose widths are multiples of `width`. */
function randomNetwork(seed: number, width: number, size: number): Graph {
  const random = createRandom(seed);
  const below = (count: number) => Math.floor(random.uniform() * count);
  const b = new NetworkBuilder('random', size, () => 0.5);
  let x = b.convolution(b.input(), width, { stride: 2, kernel: 3 + 2 * below(3), normalize: below(2) === 1 });
  for (let block = 0; block < 6; block++) x = BLOCKS[below(BLOCKS.length)](b, x, width, below);
  return readNetwork(b.classify(x, 10 + below(90)), { name: 'random' });
}

type Block = (b: NetworkBuilder, x: Activation, width: number, below: (count: number) => number) => Activation;

const BLOCKS: readonly Block[] = [
  (b, x, width, below) => b.convolution(x, width * (1 + below(4)), { normalize: below(2) === 1 }),
  (b, x, width, below) => {
    const channels = width * (1 + below(3));
    const stride = 1 + below(2);
    const inner = b.convolution(x, channels, { stride, normalize: true });
    const branch = b.convolution(inner, channels, { activation: 'none' });
    return b.activation(b.sum(branch, b.convolution(x, channels, { kernel: 1, stride, activation: 'none' })), 'relu');
  },
  (b, x, _, below) => b.sum(b.convolution(x, x.channels, { activation: below(2) ? 'relu6' : 'none' }), x),
  (b, x, width, below) =>
    b.convolution(b.depthwise(x, { kernel: 3 + 2 * below(2), activation: 'hardSwish' }), width * (1 + below(4)), {
      kernel: 1,
    }),
  (b, x) => b.squeezeExcite(x, 4),
  (b, x, width) => b.concatenation([x, b.convolution(b.convolution(x, width, { kernel: 1 }), width * 2)]),
  (b, x, width) => b.convolution(x, width * 4, { groups: 4 }),
  (b, x, _, below) => b.pool(x, below(2) ? 'MaxPool' : 'AveragePool', 3, 2),
];

/** Changes a graph towards another of the same ops: each convolution that is not yet as wide, one after the other. */
function widenedTo(target: Graph, graph: Graph): { graph: Graph; changes: NetworkChange[] } {
  const channels = (from: Graph, op: Graph['ops'][number]) => from.tensors.get(op.outputs[0])!.shape[1];
  const changes: NetworkChange[] = [];
  let changed = graph;
  target.ops.forEach((op, i) => {
    if (op.type !== 'Conv' || channels(changed, changed.ops[i]) === channels(target, op)) return;
    changes.push({ target: op.name, property: 'channels', value: channels(target, op) });
    changed = changeGraph(graph, changes).graph;
  });
  return { graph: changed, changes };
}

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

describe('a changed network is the one that was built so', () => {
  test.each(seeds(24))('channels, random network %i', (seed) => {
    const [narrow, wide] = [randomNetwork(seed, 32, 64), randomNetwork(seed, 64, 64)];
    const { graph, changes } = widenedTo(wide, narrow);
    expect(changes.length).toBeGreaterThan(0);
    expectAlike(graph, wide);
  });

  test.each(seeds(10))('resolution, random network %i', (seed) => {
    const change = parseChange('input.resolution=96');
    expectAlike(changeGraph(randomNetwork(seed, 16, 64), [change]).graph, randomNetwork(seed, 16, 96));
  });

  test.each([
    ['kernel=5', { kernel: 5 }],
    ['kernel=1', { kernel: 1 }],
    ['stride=2', { stride: 2 }],
    ['groups=4', { groups: 4 }],
    ['groups=32', { groups: 32 }],
  ])('%s', (change, options) => {
    const build = (middle: object) => {
      const b = new NetworkBuilder('small', 48, () => 0.5);
      const x = b.convolution(b.convolution(b.input(), 32), 32, { ...middle, normalize: true });
      return readNetwork(b.classify(b.convolution(x, 16), 10), { name: 'small' });
    };
    expectAlike(changeGraph(build({}), [parseChange(`conv_2.${change}`)]).graph, build(options));
  });
});

/** The benchmark's files by name, in one format. */
function benchmark(format: 'onnx' | 'tflite'): Map<string, Graph> {
  const folder = path.join(SHARED, 'networks', format);
  return new Map(
    readdirSync(folder).map((file) => {
      const name = path.parse(file).name;
      return [name, readNetwork(readFileSync(path.join(folder, file)), { name })];
    }),
  );
}

describeWithShared("the benchmark's networks", () => {
  const [onnx, tflite] = [benchmark('onnx'), benchmark('tflite')];

  /** What convolutions and matrix products compute, whatever the format and the order of branches. */
  function computed(graph: Graph): string[] {
    const plan = planKernels(graph, 'plain');
    const features = featurize(plan);
    return plan.kernels
      .flatMap(({ kind }, i) => {
        const { outputHeight, outputWidth, outputChannels, kernelHeight, groups, multiplyAccumulates } = features[i];
        const numbers = [outputHeight, outputWidth, outputChannels, kernelHeight, groups, multiplyAccumulates];
        return /conv|gemm/.test(kind) ? [`${kind} ${numbers}`] : [];
      })
      .sort();
  }

  test.each([160, 192, 256])('both formats of a network agree at %i pixels', (size) => {
    const change = parseChange(`input.resolution=${size}`);
    let compared = 0;
    for (const [name, graph] of onnx) {
      const other = tflite.get(name);
      // An exporter that wrote the sizes of 224 pixels into its own reckoning has other sizes than the other file.
      if (!other || graph.ops.some(({ type }) => type === 'Shape')) continue;
      const [ofOnnx, ofTflite] = [graph, other].map((each) => computed(changeGraph(each, [change]).graph));
      expect({ name, kernels: ofOnnx }).toEqual({ name, kernels: ofTflite });
      compared++;
    }
    expect(compared).toBeGreaterThan(50);
  });

  test('four images take four times the work', () => {
    for (const [name, graph] of [...onnx, ...tflite]) {
      const work = (each: Graph) =>
        featurize(planKernels(each, 'plain')).reduce((sum, { multiplyAccumulates }) => sum + multiplyAccumulates, 0);
      const { graph: four } = changeGraph(graph, [parseChange('input.batch=4')]);
      expect(four.tensors.get(four.outputs[0])!.shape[0]).toBe(4);
      expect({ name, work: work(four) }).toEqual({ name, work: 4 * work(graph) });
    }
  });

  /** Networks that were published in several widths: layer by layer from one to the other. */
  const widths = [...onnx.keys()].flatMap((name) => {
    const wide = name.replace(/_wd[24]$/, onnx.has(name.replace(/_wd[24]$/, '_w1')) ? '_w1' : '');
    const sameLayers = onnx.has(wide) && layers(onnx.get(wide)!).length === layers(onnx.get(name)!).length;
    return wide !== name && sameLayers ? [[name, wide] as const] : [];
  });

  test.each(widths)('%s widened is %s', (name, wideName) => {
    for (const files of [onnx, tflite]) {
      const [narrow, wide] = [files.get(name)!, files.get(wideName)!];
      const channels = (graph: Graph) => layers(graph).map((op) => graph.tensors.get(op.inputs[1])!.shape[0]);
      const targets = channels(wide);
      const changes: NetworkChange[] = [];
      let changed = narrow;
      layers(narrow).forEach((op, i) => {
        if (channels(changed)[i] === targets[i]) return;
        changes.push({ target: op.name, property: 'channels', value: targets[i] });
        changed = changeGraph(narrow, changes).graph;
      });
      expect(changes.length).toBeGreaterThan(0);
      expect(computed(changed)).toEqual(computed(wide));
    }
  });

  function layers(graph: Graph): Graph['ops'] {
    return graph.ops.filter(({ type }) => type === 'Conv' || type === 'Gemm');
  }
});

describe('what is tied', () => {
  const b = new NetworkBuilder('tied', 32, () => 0.5);
  const stem = b.convolution(b.input(), 16, { normalize: true });
  const sum = b.sum(b.convolution(stem, 16, { activation: 'none' }), stem);
  const joined = b.concatenation([b.depthwise(sum), b.convolution(sum, 8, { kernel: 1 })]);
  const graph = readNetwork(b.classify(b.sum(b.convolution(joined, 24), joined), 10), { name: 'tied' });
  const change = (...texts: string[]) => changeGraph(graph, texts.map(parseChange));
  const refusal = (...texts: string[]) => {
    try {
      change(...texts);
    } catch (error) {
      if (error instanceof EngineError) return error;
      throw error;
    }
    throw new Error('It was taken.');
  };

  test('changes together, and is said', () => {
    const convolutions = graph.ops.filter(({ type }) => type === 'Conv');
    const [stemLayer, second, , , last] = convolutions.map(({ name }) => name);
    const { graph: wider, differences } = change(`${second}.channels=32`);
    const layer = { type: 'Conv', property: 'channels' };
    expect(differences).toEqual(
      expect.arrayContaining([
        { ...layer, op: stemLayer, before: [16], after: [32] },
        { ...layer, op: second, before: [16], after: [32] },
        // What the concatenation makes with its 8 is added to what this layer makes.
        { ...layer, op: last, before: [24], after: [40] },
      ]),
    );
    expect(wider.tensors.get(wider.outputs[0])!.shape).toEqual([1, 10]);
    expect(change('conv_0.kernel=5').differences).toEqual([
      { op: stemLayer, type: 'Conv', property: 'kernel', before: [3, 3], after: [5, 5] },
    ]);
  });

  test('with something that no weight makes cannot change', () => {
    const last = graph.ops.filter(({ type }) => type === 'Conv').at(-1)!;
    const error = refusal(`${last.name}.channels=32`);
    expect(error.code).toBe('INVALID_CHANGE');
    expect(error.message).toMatch(/concat_\d+_output is 24 and cannot be 32, which conv_\d+\.channels=32 makes/);
    expect(error.where).toMatch(/Concat/);
  });

  test.each([
    [['conv_9.channels=32'], /no op conv_9/],
    [['relu_2.channels=32'], /Relu, which has no weights/],
    [['relu_2.kernel=3'], /Relu, which has no kernel/],
    [['conv_0.channels=32', 'conv_3.channels=48'], /contradicts conv_0.channels=32/],
    [['conv_0.groups=2'], /3 input channels do not make 2 groups/],
    [['conv_0.kernel=0'], /kernel is to be 0/],
    [['input.resolution=32x1', 'conv_0.kernel=1x3'], undefined],
    [['other.batch=2'], /no input of the network/],
  ])('%j', (texts, message) => {
    if (!message) expect(() => change(...texts)).not.toThrow();
    else expect(refusal(...texts)).toMatchObject({ code: 'INVALID_CHANGE', message: expect.stringMatching(message) });
  });
});
