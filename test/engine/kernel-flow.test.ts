/** What flows between kernels: of a network built by hand, and of every kind of network under every runtime. */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { NetworkBuilder } from '../../src/cli/network-builder';
import { kernelFlow, planKernels, readNetwork } from '../../src/engine';

test('a residual block: the second convolution reads the first and, for the sum, the stem', () => {
  const builder = new NetworkBuilder('block', 16, () => 0.5);
  const stem = builder.convolution(builder.input(), 8);
  const inner = builder.convolution(stem, 8);
  const bytes = builder.classify(builder.sum(builder.convolution(inner, 8, { activation: 'none' }), stem), 10);
  const plan = planKernels(readNetwork(bytes, { name: 'block' }), 'tflite-gpu/adreno-640');
  const flow = kernelFlow(plan);
  expect(flow.slice(0, 3)).toEqual([
    { types: ['Conv', 'Relu'], reads: [], outputShape: [1, 8, 16, 16] },
    { types: ['Conv', 'Relu'], reads: [0], outputShape: [1, 8, 16, 16] },
    { types: ['Conv', 'Add'], reads: [0, 1], outputShape: [1, 8, 16, 16] },
  ]);
});

test.each(['onnxruntime-cpu', 'tflite-gpu/mali-g76', 'tflite-cpu', 'torch-vulkan', 'torch-cpu'])(
  'under %s every kernel but the first reads one before it',
  (runtime) => {
    for (const { name, bytes } of buildDemoNetworks(24, 1)) {
      const plan = planKernels(readNetwork(bytes, { name }), runtime);
      kernelFlow(plan).forEach(({ reads, types }, index) => {
        expect({ name, index, none: reads.length === 0 }).toEqual({ name, index, none: index === 0 });
        expect(Math.max(-1, ...reads)).toBeLessThan(Math.max(index, 0));
        expect(types).toHaveLength(plan.kernels[index].ops.length);
      });
    }
  },
);
