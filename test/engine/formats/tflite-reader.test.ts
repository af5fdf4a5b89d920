/** The TFLite reader on sound files: shapes and operators as LiteRT's interpreter has them, features as recorded. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { featurize, type Graph, planKernels, readNetwork } from '../../../src/engine';
import type { Op } from '../../../src/engine/graph';
import { describeWithShared, SHARED } from '../../testkit/shared';

const NETWORKS = path.join(SHARED, 'networks/tflite');

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(__dirname, '../golden', name), 'utf8'));
}

/** Ops as the file has them: fused activations belong to the op before them. */
function fileOps(graph: Graph): Op[] {
  const ops: Op[] = [];
  for (const op of graph.ops) {
    if (op.attributes.fused_activation === 1) ops.push({ ...ops.pop()!, outputs: op.outputs });
    else ops.push(op);
  }
  return ops;
}

/** "OPERATOR type dims, type dims" of each op of the file. */
function described(graph: Graph): string[] {
  return fileOps(graph).map(({ name, outputs }, index) => {
    const [, builtin, place] = /^(.+)_(\d+)$/.exec(name)!;
    expect(Number(place)).toBe(index);
    const results = outputs.map((output) => {
      const { type, shape } = graph.tensors.get(output)!;
      return `${type} ${shape.join('x')}`.trim();
    });
    return `${builtin.toUpperCase()} ${results.join(', ')}`;
  });
}

/** Every input of an op is there before it; every number of every feature is finite. */
function expectWhole(graph: Graph): void {
  const made = new Set(graph.inputs);
  const missing: string[] = [];
  const need = (name: string) => {
    if (name && !made.has(name)) missing.push(name);
  };
  for (const { name, constant } of graph.tensors.values()) if (constant) made.add(name);
  for (const { inputs, outputs } of graph.ops) {
    inputs.forEach(need);
    for (const output of outputs) made.add(output);
  }
  graph.outputs.forEach(need);
  expect(missing).toEqual([]);
  const features = featurize(planKernels(graph, 'plain')).flatMap((kernel) => Object.entries(kernel));
  expect(features.filter(([, value]) => !Number.isFinite(value))).toEqual([]);
}

describe('dynamic dimensions, once bound', () => {
  const files =
    golden<{ name: string; file: string; runs: { bindings: Record<string, number>; operators: string[] }[] }[]>(
      'tflite_operators.json',
    );

  test.each(files)('$name: every tensor as LiteRT computes it', ({ name, file, runs }) => {
    expect(runs.length).toBe(2);
    for (const { bindings, operators } of runs) {
      const graph = readNetwork(Buffer.from(file, 'base64'), { name, bindings });
      expect(described(graph)).toEqual(operators);
      expectWhole(graph);
    }
  });

  test('a convolution and a pool have the explicit pads that make their output', () => {
    for (const { file, runs } of files) {
      const graph = readNetwork(Buffer.from(file, 'base64'), { name: 'net', bindings: runs[0].bindings });
      for (const { type, attributes, inputs, outputs } of graph.ops) {
        if (type !== 'Conv' && !type.endsWith('Pool')) continue;
        const [input, output] = [inputs[0], outputs[0]].map((name) => graph.tensors.get(name)!.shape);
        const { kernel_shape, strides, pads, dilations = [1, 1] } = attributes as Record<string, number[]>;
        for (const i of [0, 1]) {
          const reach = (kernel_shape[i] - 1) * dilations[i] + 1;
          expect(Math.floor((input[1 + i] + pads[i] + pads[i + 2] - reach) / strides[i]) + 1).toBe(output[1 + i]);
          // The odd one stands behind.
          expect([0, 1]).toContain(pads[i + 2] - pads[i]);
        }
      }
    }
  });
});

describeWithShared('networks of the benchmark', () => {
  const shapes = golden<Record<string, string[]>>('tflite_shapes.json');
  const names = readdirSync(NETWORKS).map((file) => path.basename(file, '.tflite'));
  const read = (name: string) => readNetwork(readFileSync(path.join(NETWORKS, `${name}.tflite`)), { name });

  test('every network has golden shapes', () => {
    expect(Object.keys(shapes).sort()).toEqual(names.sort());
  });

  test.each(names)('%s: every tensor as LiteRT allocates it', (name) => {
    const graph = read(name);
    expect(graph).toMatchObject({ name, format: 'tflite', layout: 'NHWC' });
    expect(described(graph)).toEqual(shapes[name]);
    expectWhole(graph);
  });

  /** Input and output channels, kernel, stride, groups and multiply-accumulates. */
  interface Convolution {
    readonly text: string;
    readonly multiplyAccumulates: number;
  }

  /** The benchmark's rows of convolutions, one a kernel, in order of text. Its FLOPS are two a multiply-accumulate. */
  function recorded(network: string): Convolution[] {
    const table = readFileSync(path.join(SHARED, 'data/mobile-ml-benchmark/tflite_cnn_ops_gpu.csv'), 'utf8');
    return table
      .split('\n')
      .filter((line) => /^\w+,(DEPTHWISE_CONV_2D|CONV_2D|CONV_2D_GROUP),/.test(line) && line.startsWith(`${network},`))
      .map((line) => {
        const value = (field: string) => Number(new RegExp(`'${field}': '?(\\d+)`).exec(line)?.[1] ?? 1);
        const [input, kernel, stride] = ['Input_channel', 'Kernel', 'Stride'].map(value);
        const depthwise = line.includes('DEPTHWISE');
        return {
          text: `${depthwise ? 'depthwise ' : ''}${input} kernel ${kernel} stride ${stride} groups ${depthwise ? input : value('Group')}`,
          multiplyAccumulates: value('FLOPS') / 2,
        };
      })
      .sort(byText);
  }

  const byText = (a: Convolution, b: Convolution) =>
    a.text.localeCompare(b.text) || a.multiplyAccumulates - b.multiplyAccumulates;

  test.each(['mobilenetv2b_w1', 'regnetx002', 'squeezenet_v1_1'])(
    '%s: convolutions as the benchmark records them',
    (name) => {
      const plan = planKernels(read(name), 'plain');
      const features = featurize(plan);
      const convolutions = plan.kernels.flatMap(({ kind, first }, i): Convolution[] => {
        if (first.type !== 'Conv') return [];
        const { inputChannels, kernelHeight, strideHeight, groups, multiplyAccumulates } = features[i];
        const prefix = kind === 'depthwise_convolution' ? 'depthwise ' : '';
        return [
          {
            text: `${prefix}${inputChannels} kernel ${kernelHeight} stride ${strideHeight} groups ${groups}`,
            multiplyAccumulates,
          },
        ];
      });
      expect(convolutions.length).toBeGreaterThan(20);
      expect(convolutions.sort(byText)).toEqual(recorded(name));
    },
  );
});
