/**
 * npm run bench:load -- requests [short]: predictions of cached networks through GraphQL. One API process, one worker,
 * PostgreSQL and this client share the machine. Three parts:
 *   steady: 200 predictions a second, each a request of its own, sent at their times whether or not the earlier ones have
 *     been answered, while the worker trains without a break: latency from the planned time to the whole answer;
 *   memory: of the API process over 20,000 requests;
 *   cost: processor time of the API process a request, over that of a bare Apollo Server that answers the same document
 *     with the same data (load-peer.ts), taking turns.
 * Each with the document of a gate (latency and interval) and, for the cost, also with that of `fusecast predict`, which
 * has every kernel.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Installation, Server, type Team } from './load-service';
import { fill, type LoadTeam, measuredScenarios, SCOPES, startTraining, trained } from './load-team';
import { ROOT } from './peer';

const RATE = 200;
/** Bars of the plan. */
const MAXIMUM_P99_MS = 60;
const MAXIMUM_COST = 4;
/** Memory in the second half of the requests over that in the first: medians, as it swings with each garbage collection. */
const MAXIMUM_GROWTH = 1.1;
const ROUNDS = 10;
const MEBIBYTE = 1024 ** 2;

const DOCUMENTS = {
  gate: `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
    network { name } scenario { name } latencyUs interval { lowerUs upperUs level } coverage } } }`,
  kernels: `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
    network { name } scenario { name } version { id number predictor { name } } calibration { id name }
    latencyUs fixedUs interval { lowerUs upperUs level } coverage kernels { kind fused ops reason latencyUs coverage } } } }`,
};
type DocumentName = keyof typeof DOCUMENTS;

const agent = new http.Agent({ keepAlive: true });

interface Size {
  readonly seconds: number;
  readonly requests: number;
  readonly perRound: number;
}
const SIZES: Readonly<Record<'full' | 'short', Size>> = {
  full: { seconds: 120, requests: 20_000, perRound: 200 },
  short: { seconds: 5, requests: 400, perRound: 20 },
};

/** One request, by plain HTTP so that the client costs little. Throws for anything but an answer without errors. */
function post(url: string, key: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    const request = http.request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode !== 200 || text.includes('"errors":[')) reject(new Error(text.slice(0, 500)));
        else resolve(text);
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function bodies(name: DocumentName, team: LoadTeam, versionId: string): string[] {
  return team.networkIds.map((networkId) =>
    JSON.stringify({
      query: DOCUMENTS[name],
      variables: { input: { networkIds: [networkId], versionIds: [versionId] } },
    }),
  );
}

function quantile(sorted: Float64Array, share: number): number {
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1));
}

async function measureSteady(url: string, team: Team, asked: readonly string[], seconds: number) {
  const latenciesMs = new Float64Array(RATE * seconds);
  const open: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; i < latenciesMs.length; i++) {
    const plannedMs = start + (i * 1000) / RATE;
    const waitMs = plannedMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    open.push(
      post(url, team.key, asked[i % asked.length]).then(() => {
        latenciesMs[i] = performance.now() - plannedMs;
      }),
    );
  }
  await Promise.all(open);
  latenciesMs.sort();
  return {
    perSecond: RATE,
    seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p90Ms: quantile(latenciesMs, 0.9),
    p99Ms: quantile(latenciesMs, 0.99),
    worstMs: quantile(latenciesMs, 1),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function measureMemory(api: Server, team: Team, asked: readonly string[], requests: number) {
  const mebibytes: number[] = [];
  for (let i = 0; i < requests; i += 4) {
    await Promise.all([0, 1, 2, 3].map((j) => post(api.url, team.key, asked[(i + j) % asked.length])));
    if ((i + 4) % (requests / 10) === 0) mebibytes.push(Math.round(api.memoryBytes / MEBIBYTE));
  }
  return {
    requests,
    mebibytes,
    growth: Number((median(mebibytes.slice(5)) / median(mebibytes.slice(0, 5))).toFixed(2)),
  };
}

/** Processor time of two servers for the same requests, in turns. */
async function measureCost(api: Server, team: Team, asked: readonly string[], perRound: number) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'fusecast-peer-'));
  const answer = await post(api.url, team.key, asked[0]);
  const file = path.join(directory, 'answer.json');
  await writeFile(file, JSON.stringify(JSON.parse(answer).data));
  const peer = await Server.start('bench/load-peer.js', [path.join(ROOT, 'schema.graphql'), file], {});
  const costs = [api, peer].map((server) => ({ server, cpuMs: 0, wallMs: 0 }));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const cost of costs) {
      const cpu = cost.server.cpuMs;
      const wall = performance.now();
      // The same network as the peer's.
      for (let i = 0; i < perRound; i++) await post(cost.server.url, team.key, asked[0]);
      if (round === 0) continue;
      cost.cpuMs += cost.server.cpuMs - cpu;
      cost.wallMs += performance.now() - wall;
    }
  }
  await peer.stop();
  await rm(directory, { recursive: true });
  const [ours, theirs] = costs.map(({ cpuMs, wallMs }) => ({
    cpuMs: Number((cpuMs / (ROUNDS * perRound)).toFixed(2)),
    latencyMs: Number((wallMs / (ROUNDS * perRound)).toFixed(2)),
  }));
  return {
    answerBytes: answer.length,
    fusecast: ours,
    bareApollo: theirs,
    cpuRatio: Number((ours.cpuMs / theirs.cpuMs).toFixed(1)),
    latencyRatio: Number((ours.latencyMs / theirs.latencyMs).toFixed(1)),
  };
}

/** All of it. `missed` has a sentence for each bar that is missed. */
export async function loadRequests(size: 'full' | 'short'): Promise<{ result: object; missed: string[] }> {
  const { seconds, requests, perRound } = SIZES[size];
  const [scenario] = await measuredScenarios();
  const installation = await Installation.start();
  try {
    const api = await installation.run('api');
    const worker = await installation.run('worker');
    const team = await installation.createTeam(api, worker, SCOPES);
    const filled = await fill(team.client, [scenario]);
    const versionId = await startTraining(team.client, filled, scenario, 'LASSO');
    await trained(team.client, versionId);
    const gate = bodies('gate', filled, versionId);
    for (const body of gate) await post(api.url, team.key, body);

    const cost: Partial<Record<DocumentName, Awaited<ReturnType<typeof measureCost>>>> = {};
    for (const name of ['gate', 'kernels'] as const) {
      cost[name] = await measureCost(api, team, bodies(name, filled, versionId), perRound);
    }
    const memory = await measureMemory(api, team, gate, requests);

    let training = true;
    let trainings = 0;
    const trainer = (async () => {
      while (training) {
        await trained(team.client, await startTraining(team.client, filled, scenario, 'GAUSSIAN_PROCESS'));
        trainings += 1;
      }
    })();
    const steady = await measureSteady(api.url, team, gate, seconds);
    training = false;
    await trainer;
    const missed: string[] = [];
    if (steady.p99Ms > MAXIMUM_P99_MS) missed.push(`p99 is ${steady.p99Ms} ms, more than ${MAXIMUM_P99_MS}`);
    if (memory.growth > MAXIMUM_GROWTH) missed.push(`memory grew ${memory.growth} times`);
    for (const [name, { cpuRatio }] of Object.entries(cost)) {
      if (cpuRatio > MAXIMUM_COST) missed.push(`a request (${name}) costs ${cpuRatio} times a bare one`);
    }
    return { result: { scenario, steady: { ...steady, trainings }, memory, cost }, missed };
  } finally {
    await installation.stop();
  }
}
