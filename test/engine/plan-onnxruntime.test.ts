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

/** `name type activation` of every node that onnxruntime runs; the name only where it is one that the file gave. */
async function optimizedKernels(bytes: Uint8Array): Promise<string[]> {
  const names = new Set(readNetwork(bytes, { name: 'whole' }).ops.map(({ name }) => name));
  const file = path.join(folder, 'optimized.onnx');
  await (await openSession(bytes, { optimization: 'extended', optimizedModelPath: file })).release();
  const { graph } = decodeOnnx(readFileSync(file));
  return graph!.node.map(({ name = '', opType, attribute }) => {
    const activation = attribute.find((each) => each.name === 'activation' && each.type === ATTRIBUTE_TYPES.string);
    const fused = activation ? snakeCase(Buffer.from(activation.s!).toString()) : '';
    return `${names.has(name) ? name : ''} ${opType.replace(/^Fused/, '')} ${fused}`;
  });
}

/** The same of the plan: an op that is made of others has no name of the file's. */
function plannedKernels(name: string, bytes: Uint8Array): string[] {
  const graph = readNetwork(stripOnnx(bytes).bytes, { name });
  const typeOf = new Map(graph.ops.map((op) => [op.name, op.type]));
  return planKernels(graph, 'onnxruntime-cpu').kernels.map(({ ops, first, fused }) => {
    const isOwn = typeOf.get(ops[0]) === first.type && !(ops.length > 1 && /Gemm|Reshape/.test(first.type));
    const type = first.type.replace(/^com\.microsoft\.(Fused)?/, '');
    return `${isOwn ? ops[0] : ''} ${type} ${fused.join(' ')}`;
  });
}

async function expectSamePlan(name: string, bytes: Uint8Array): Promise<void> {
  expect(plannedKernels(name, bytes).sort()).toEqual((await optimizedKernels(bytes)).sort());
}

test.each(fusionNetworks(1))('$name', ({ name, bytes }) => expectSamePlan(name, bytes));

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
