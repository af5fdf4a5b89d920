/** Changed networks against the same networks built with other numbers in the first place. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Activation, NetworkBuilder } from '../../src/cli/network-builder';
import { EngineError, featurize, type Graph, planKernels, readNetwork } from '../../src/engine';
import { createRandom } from '../../src/engine/random';
import { type NetworkChange, parseChange, parseSweep } from '../../src/engine/what-if-changes';
import { changeGraph } from '../../src/engine/what-if-graph';

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

describe('a changed network is the one that was built so', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))('channels, random network %i', (seed) => {
    const [narrow, wide] = [randomNetwork(seed, 32, 64), randomNetwork(seed, 64, 64)];
    const { graph, changes } = widenedTo(wide, narrow);
    expect(changes.length).toBeGreaterThan(0);
    expectAlike(graph, wide);
  });

  test.each(Array.from({ length: 20 }, (_, seed) => seed))('resolution, random network %i', (seed) => {
    const change = parseChange('input.resolution=96');
    expectAlike(changeGraph(randomNetwork(seed, 16, 64), [change]).graph, randomNetwork(seed, 16, 96));
  });
});
