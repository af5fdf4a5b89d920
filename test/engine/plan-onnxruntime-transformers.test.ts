/**
 * Plans of transformer parts and of quantised networks against onnxruntime itself: op types of the optimised model that it
 * writes. What the rule pack does not know yet stands below with the source file of the rule.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openSession, planKernels, readNetwork } from '../../src/engine';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { stripOnnx } from '../../src/engine/formats/onnx-strip';
import type { NamedNetwork } from '../testkit/fusion-networks';
import { quantizedNetworks, transformerNetworks } from '../testkit/transformer-networks';

const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function expectSameTypes({ name, bytes }: NamedNetwork): Promise<void> {
  const file = path.join(folder, 'optimized.onnx');
  await (await openSession(bytes, { optimization: 'extended', optimizedModelPath: file })).release();
  const { graph } = decodeOnnx(readFileSync(file));
  const plan = planKernels(readNetwork(stripOnnx(bytes).bytes, { name }), 'onnxruntime-cpu');
  expect(plan.kernels.map(({ first }) => first.type).sort()).toEqual(graph!.node.map(({ opType }) => opType).sort());
}

/** A rule that is added moves its lines out of here. */
const WITHOUT_RULE: Readonly<Record<string, string>> = {
  'layer normalization': 'layer_norm_fusion.cc',
  'sum and layer normalization': 'layer_norm_fusion.cc',
  'product of two run-time matrices, scaled': 'matmul_transpose_fusion.cc, matmul_scale_fusion.cc',
  'product divided': 'matmul_transpose_fusion.cc, matmul_scale_fusion.cc',
  'product with a scaled left side': 'matmul_transpose_fusion.cc, matmul_scale_fusion.cc',
  linear: 'matmul_add_fusion.cc, between two reshapes',
  'linear and gelu': 'matmul_add_fusion.cc, between two reshapes',
  attention: 'matmul_add_fusion.cc, between two reshapes; matmul_scale_fusion.cc',
  'feed forward': 'matmul_add_fusion.cc, between two reshapes',
  'transformer block': 'matmul_add_fusion.cc, layer_norm_fusion.cc, matmul_scale_fusion.cc',
};

const parts = transformerNetworks(1);

test.each(parts.filter(({ name }) => !(name in WITHOUT_RULE)))('$name', (part) => expectSameTypes(part));

describe('without a rule', () => {
  for (const part of parts.filter(({ name }) => name in WITHOUT_RULE))
    test.failing(`${part.name}: ${WITHOUT_RULE[part.name]}`, () => expectSameTypes(part));

  for (const network of quantizedNetworks(1))
    test.failing(`${network.name}: qdq_transformer/selectors_actions`, () => expectSameTypes(network));
});
