/**
 * Kernel plans of uploaded networks, as a runtime launches them and as the engine explains them.
 */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { stripNetwork } from '../../src/engine';
import type { ApiClient } from '../testkit/client';
import { TestService } from '../testkit/service';

const PLAN = `
  query ($id: ID!, $runtime: String!, $gpu: String) { node(id: $id) { ... on Network {
    kernelPlan(runtime: $runtime, gpu: $gpu) { runtime kernels { kind fused ops reason nearMiss } unsupported { ops reason } } } } }`;

describe('kernelPlan', () => {
  let service: TestService;
  let client: ApiClient;
  let id: string;

  beforeAll(async () => {
    service = await TestService.start();
    client = (await service.createTeam()).client;
    const [{ name, bytes }] = buildDemoNetworks(1, 1);
    id = (await client.createNetwork(name, stripNetwork(bytes).bytes)).id;
  });
  afterAll(() => service?.stop());

  test('says what onnxruntime fuses, and why', async () => {
    const { node } = await client.query(PLAN, { id, runtime: 'onnxruntime-cpu' });
    const [first] = node.kernelPlan.kernels;
    expect(node.kernelPlan).toMatchObject({ runtime: 'onnxruntime-cpu@1.30', unsupported: [] });
    expect(first).toMatchObject({ kind: 'convolution', fused: ['relu'], nearMiss: null });
    expect(first.ops).toHaveLength(2);
    expect(first.reason).toContain('FusedConv');
  });

  test('follows the GPU, with the numbers that decide', async () => {
    const { node } = await client.query(PLAN, { id, runtime: 'tflite-gpu', gpu: 'adreno-640' });
    expect(node.kernelPlan.runtime).toBe('tflite-gpu@2.10/adreno-640');
    expect(node.kernelPlan.kernels.map(({ reason }: { reason: string }) => reason).join()).toMatch(
      /Winograd on Adreno 6xx needs 32/,
    );
  });

  test.each([
    [{ runtime: 'acme' }, /no rules for runtime acme/],
    [{ runtime: 'tflite-gpu' }, /depend on the GPU, and none is given/],
    [{ runtime: 'onnxruntime-cpu@0.1' }, /no rules for runtime onnxruntime-cpu@0.1/],
  ])('refuses %j', async (variables, message) => {
    const error = await client.refusal(PLAN, { id, ...variables });
    expect(error.message).toMatch(message);
    expect(error.extensions.remedy).toBeTruthy();
  });
});
