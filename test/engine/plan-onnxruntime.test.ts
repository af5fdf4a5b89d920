/**
 * The ONNX Runtime plan against onnxruntime itself: the kernels planned from a copy without weights must be the nodes of
 * the optimised model that onnxruntime writes of the whole file.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { openSession, planKernels, readNetwork } from '../../src/engine';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { ATTRIBUTE_TYPES } from '../../src/engine/formats/onnx-schema';
import { stripOnnx } from '../../src/engine/formats/onnx-strip';
import { snakeCase } from '../../src/engine/graph';
import { createRandom } from '../../src/engine/random';
import { fusionNetworks, randomChains } from '../testkit/fusion-networks';
import { withRandomWeights } from '../testkit/networks';
import { describeWithShared, SHARED } from '../testkit/shared';

const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Names that onnxruntime makes itself for what it fuses; a function body's nodes have none at all. */
const MADE_NAME = /^fused |Fusion|^MatMulBn/;

/** `name type activation` of every node that onnxruntime runs, with the name that the file gave it. */
async function optimizedKernels(bytes: Uint8Array): Promise<string[]> {
  const file = path.join(folder, 'optimized.onnx');
  await (await openSession(bytes, { optimization: 'extended', optimizedModelPath: file })).release();
  const { graph } = decodeOnnx(readFileSync(file));
  return graph!.node.map(({ name, opType, attribute }) => {
    const activation = attribute.find((each) => each.name === 'activation' && each.type === ATTRIBUTE_TYPES.string);
    const fused = activation ? snakeCase(Buffer.from(activation.s!).toString()) : '';
    return `${MADE_NAME.test(name ?? '') ? '' : name} ${opType.replace(/^Fused/, '')} ${fused}`;
  });
}

/** The same of the plan. */
function plannedKernels(name: string, bytes: Uint8Array): string[] {
  const graph = readNetwork(stripOnnx(bytes).bytes, { name });
  const isExpanded = (op: string) => graph.ops.some(({ name: each, type }) => each === op && type === 'HardSwish');
  return planKernels(graph, 'onnxruntime-cpu').kernels.map(({ ops, first, fused }) => {
    const made = isExpanded(ops[0]) || /Gelu/.test(first.type) || (first.type === 'Gemm' && ops.length > 1);
    return `${made ? '' : ops[0]} ${first.type} ${fused.join(' ')}`;
  });
}

async function expectSamePlan(name: string, bytes: Uint8Array): Promise<void> {
  expect(plannedKernels(name, bytes).sort()).toEqual((await optimizedKernels(bytes)).sort());
}

/** What onnxruntime does and the rule pack does not know yet; a rule that is added moves its line out of here. */
const WITHOUT_RULE = new Set([
  'two reshapes in a row', // reshape_fusion.cc
  'transpose there and back', // transpose_optimization
  'matmul by a transposed input', // matmul_transpose_fusion.cc
  'matmul scaled', // matmul_scale_fusion.cc
  'matmul of rank 3 and add', // matmul_add_fusion.cc, between two reshapes
]);

const situations = fusionNetworks(1);

test.each(situations.filter(({ name }) => !WITHOUT_RULE.has(name)))('$name', ({ name, bytes }) =>
  expectSamePlan(name, bytes),
);

test.failing.each(situations.filter(({ name }) => WITHOUT_RULE.has(name)))('without a rule: $name', ({ name, bytes }) =>
  expectSamePlan(name, bytes),
);

test.each(randomChains(60, 2))('random ops: $name', ({ name, bytes }) => expectSamePlan(name, bytes));

test.each([...buildDemoNetworks(12, 5)])('the demo: $name', ({ name, bytes }) => expectSamePlan(name, bytes));

/** Of every family one, the smaller ones: onnxruntime wants weights to fold. */
const BENCHMARK_SAMPLE = [
  'efficientnet_edge_small_b',
  'ghostnet',
  'hardnet39ds',
  'mobilenetv2_wd4',
  'mobilenetv3_small_wd2',
  'peleenet',
  'preresnet18_wd4',
  'proxylessnas_mobile',
  'regnetx002',
  'regnety002',
  'seresnet10',
  'squeezeresnet_v1_1',
];

describeWithShared('plans of the benchmark networks', () => {
  test.each(BENCHMARK_SAMPLE)('%s', (name) => {
    const bytes = readFileSync(path.join(SHARED, 'networks/onnx', `${name}.onnx`));
    return expectSamePlan(name, withRandomWeights(bytes, createRandom(1)));
  });
});
