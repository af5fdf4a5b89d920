/** The query whatIf: the same as a prediction of the changed network, and as the command says from a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NetworkBuilder } from '../../src/cli/network-builder';
import { newId, toGlobalId } from '../../src/schema/node';
import type { ApiClient, Data } from '../testkit/client';
import { runCommand } from '../testkit/command';
import { type FilledTeam, fillTeam } from '../testkit/filled-team';
import { TestService, type TestTeam } from '../testkit/service';

const PREDICTION = 'latencyUs fixedUs interval { lowerUs upperUs level } coverage kernels { kind fused latencyUs }';
const WHAT_IF = `query ($input: WhatIfInput!) { whatIf(input: $input) { runtime version { id } before { ${PREDICTION} }
  points { value prediction { ${PREDICTION} } differenceUs differences { op property before after }
    kernelChanges { before { kind } after { kind reason } } nearMisses { kind } refusal } } }`;
const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions { ${PREDICTION} } } }`;

function build(width: number): Uint8Array {
  const b = new NetworkBuilder('asked', 48, () => 0.5);
  const x = b.convolution(b.input(), width, { stride: 2 });
  return b.classify(b.sum(b.convolution(x, width, { activation: 'none' }), x), 10);
}

describe('whatIf', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-test-'));
  let service: TestService;
  let team: TestTeam;
  let client: ApiClient;
  let filled: FilledTeam;
  let narrow: string;
  let wide: string;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    client = team.client;
    filled = await fillTeam(team);
    narrow = (await client.createNetwork('narrow', build(32))).id;
    wide = (await client.createNetwork('wide', build(64))).id;
    writeFileSync(path.join(folder, 'narrow.onnx'), build(32));
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  const change = { target: 'conv_0', property: 'CHANNELS', value: 64 };
  const ask = async (input: object): Promise<Data> =>
    (await client.query(WHAT_IF, { input: { networkId: narrow, ...input } })).whatIf;

  test('answers as predict does for the network that was built so, and keeps nothing', async () => {
    const versionIds = [filled.ids.PredictorVersion];
    const { predictions } = (await client.query(PREDICT, { input: { networkIds: [narrow, wide], versionIds } }))
      .predict;
    const count = 'query { predictions(first: 100) { edges { node { id } } } }';
    const kept = (await client.query(count)).predictions.edges.length;
    for (const by of [{ scenario: filled.scenario }, { versionId: filled.ids.PredictorVersion }]) {
      const answer = await ask({ ...by, changes: [change] });
      expect(answer).toMatchObject({ runtime: 'onnxruntime-cpu@1.30', version: { id: versionIds[0] } });
      expect(answer.before).toEqual(predictions[0]);
      expect(answer.points).toHaveLength(1);
      expect(answer.points[0].prediction).toEqual(predictions[1]);
      // Both sides of the sum became wider.
      expect(answer.points[0].differences).toEqual([
        { op: 'conv_0', property: 'CHANNELS', before: [32], after: [64] },
        { op: 'conv_2', property: 'CHANNELS', before: [32], after: [64] },
      ]);
    }
    expect((await client.query(count)).predictions.edges).toHaveLength(kept);
  });

  test('sweeps', async () => {
    const sweep = { target: 'conv_2', property: 'GROUPS', values: [1, 3, 4] };
    const { points } = await ask({ scenario: filled.scenario, sweep });
    expect(points.map(({ value }: Data) => value)).toEqual([1, 3, 4]);
    expect(points[1]).toMatchObject({ prediction: null, differenceUs: null });
    expect(points[1].refusal).toContain('32 input channels do not make 3 groups');
    expect(points[2].kernelChanges).toMatchObject([
      { before: [{ kind: 'convolution' }], after: [{ kind: 'grouped_convolution' }] },
    ]);
  });

  test.each([
    ['BAD_INPUT', () => ({ changes: [change] })],
    ['BAD_INPUT', () => ({ changes: [change], scenario: filled.scenario, versionId: filled.ids.PredictorVersion })],
    ['BAD_INPUT', () => ({ changes: [{ ...change, value: 0 }], scenario: filled.scenario })],
    ['BAD_INPUT', () => ({ changes: Array(101).fill(change), scenario: filled.scenario })],
    ['INVALID_CHANGE', () => ({ changes: [], scenario: filled.scenario })],
    ['INVALID_CHANGE', () => ({ changes: [{ ...change, target: 'conv_9' }], scenario: filled.scenario })],
    ['NOT_FOUND', () => ({ changes: [change], scenario: 'tflite/phone/gpu/float' })],
    ['NOT_FOUND', () => ({ networkId: toGlobalId('Network', newId()), changes: [change], scenario: filled.scenario })],
  ])('%s: what cannot be answered', async (code, input) => {
    const refusal = await client.refusal(WHAT_IF, { input: { networkId: narrow, ...input() } });
    expect(refusal.extensions.code).toBe(code);
  });

  test('fusecast whatif asks the service', async () => {
    const command = ['whatif', 'narrow.onnx', '--change', 'conv_0.channels=64', '--scenario', filled.scenario];
    const environment = { FUSECAST_URL: client.url, FUSECAST_API_KEY: team.key };
    const { status, stdout } = await runCommand(folder, [...command, '--json'], environment);
    expect(status).toBe(0);
    const answer = JSON.parse(stdout);
    const { points } = await ask({ scenario: filled.scenario, changes: [change] });
    expect(answer.points[0].prediction.latencyUs).toBeCloseTo(points[0].prediction.latencyUs, 3);
    const shown = await runCommand(folder, command, environment);
    expect(shown.stdout).toMatch(/conv_2: channels 32 to 64/);
  }, 60_000);
});
