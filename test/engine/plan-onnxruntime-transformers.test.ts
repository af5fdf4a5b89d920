/**
 * Plans of transformer parts and of quantised networks against onnxruntime itself: op types of the optimised model that it
 * writes.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Kernel, openSession, planKernels, readNetwork } from '../../src/engine';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { stripOnnx } from '../../src/engine/formats/onnx-strip';
import type { NamedNetwork } from '../testkit/fusion-networks';
import { layoutNetworks } from '../testkit/layout-networks';
import { randomBlocks } from '../testkit/random-blocks';
import { randomQuantizedChains } from '../testkit/random-quantized';
import { quantizedNetworks, transformerNetworks } from '../testkit/transformer-networks';

const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A convolution or Gemm with an activation is a type of its own to onnxruntime. */
function typeOf({ first, fused }: Kernel): string {
  return fused.length > 0 ? `com.microsoft.Fused${first.type}` : first.type;
}

async function expectSameTypes({ name, bytes }: NamedNetwork): Promise<void> {
  const file = path.join(folder, 'optimized.onnx');
  await (await openSession(bytes, { optimization: 'extended', optimizedModelPath: file })).release();
  const { graph } = decodeOnnx(readFileSync(file));
  const plan = planKernels(readNetwork(stripOnnx(bytes).bytes, { name }), 'onnxruntime-cpu');
  const types = graph!.node.map(({ domain, opType }) => (domain ? `${domain}.${opType}` : opType));
  expect(plan.kernels.map(typeOf).sort()).toEqual(types.sort());
}

test.each([...transformerNetworks(1), ...quantizedNetworks(1), ...layoutNetworks(1)])('$name', (network) =>
  expectSameTypes(network),
);

test.each(randomBlocks(20, 3))('$name', (network) => expectSameTypes(network));

test.each(randomQuantizedChains(20, 4))('$name', (network) => expectSameTypes(network));
