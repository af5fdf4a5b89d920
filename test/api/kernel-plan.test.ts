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

  test('says what flows between kernels, and their features by name', async () => {
    const details = `query ($id: ID!) { node(id: $id) { ... on Network { kernelPlan(runtime: "onnxruntime-cpu") {
      kernels { ops } featureNames details { types reads outputShape features } } } } }`;
    const { kernels, featureNames, details: all } = (await client.query(details, { id })).node.kernelPlan;
    expect(all).toHaveLength(kernels.length);
    expect(all[0]).toMatchObject({ types: ['Conv', 'Relu'], reads: [] });
    expect(all[1].reads).toEqual([0]);
    const channels = featureNames.indexOf('outputChannels, channels');
    expect(all[0].features[channels]).toBe(all[0].outputShape[1]);
  });

  test('lists of networks are searched and sorted, page by page', async () => {
    for (const { name, bytes } of [...buildDemoNetworks(5, 2)].slice(1)) {
      await client.createNetwork(`${name}_50%`, stripNetwork(bytes).bytes);
    }
    const list = `query ($first: Int!, $after: String, $filter: NetworkFilter!, $sort: NetworkSort) {
      networks(first: $first, after: $after, filter: $filter, sort: $sort) {
        edges { node { name summary { ops } } } pageInfo { hasNextPage endCursor } } }`;
    const read = async (filter: object, sort: object, first = 100) => {
      const rows: { name: string; summary: { ops: number } }[] = [];
      let after: string | undefined;
      do {
        const { edges, pageInfo } = (await client.query(list, { first, after, filter, sort })).networks;
        rows.push(...edges.map(({ node }: { node: (typeof rows)[number] }) => node));
        after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
      } while (after);
      return rows;
    };
    expect(await read({ search: '_50%' }, { by: 'NAME' })).toHaveLength(4);
    expect(await read({ search: 'x50' }, { by: 'NAME' })).toHaveLength(0);
    for (const descending of [false, true]) {
      const ops = (await read({}, { by: 'OPS', descending }, 2)).map(({ summary }) => summary.ops);
      expect(ops).toHaveLength(5);
      expect(ops).toEqual([...ops].sort((a, b) => (descending ? b - a : a - b)));
    }
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
