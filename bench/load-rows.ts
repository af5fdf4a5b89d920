/**
 * npm run bench:load -- rows [short]: lists and details of one large team among a thousand, with 100,000 networks and a
 * million predictions in PostgreSQL. The rows are copies of real ones (a trained version, an uploaded network, its
 * prediction with the first kernels) under other ids; a tenth of all is the large team's. Every query is asked through
 * GraphQL; PostgreSQL's own counters say whether one of them read a large table from end to end.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client as Postgres } from 'pg';
import type { Client } from '../src/cli/client';
import { Installation } from './load-service';
import { fill, measuredScenarios, SCOPES, startTraining, trained } from './load-team';

const MAXIMUM_MS = 50;
const ASKED = 20;
/** Of each prediction that is copied: the rest is repetition, and 2 kB more a row. */
const KERNELS = 3;
/** PostgreSQL writes down what a session has counted after a second at most. */
const COUNTED_AFTER_MS = 2000;
const LARGE_TABLES = ['network', 'upload', 'prediction', 'predictor_version', 'audit_entry'];

interface Size {
  readonly teams: number;
  readonly networks: number;
  readonly predictions: number;
}
const SIZES: Readonly<Record<'full' | 'short', Size>> = {
  full: { teams: 1000, networks: 100_000, predictions: 1_000_000 },
  short: { teams: 10, networks: 1000, predictions: 10_000 },
};

/** Copies the only team's rows until there are so many; a tenth of the copies is the team's own. */
async function multiply(administrator: Postgres, { teams, networks, predictions }: Size): Promise<void> {
  const each = predictions / networks;
  // Triggers and references are left out: the copies fit by their making.
  await administrator.query("SET session_replication_role = 'replica'");
  await administrator.query(`
    CREATE TEMP TABLE copy AS SELECT n, CASE WHEN n % 10 = 0 THEN 0 ELSE n % ${teams} END AS team,
      gen_random_uuid() AS network_id, gen_random_uuid() AS upload_id FROM generate_series(1, ${networks}) AS n`);
  await administrator.query(`
    CREATE TEMP TABLE copied_team AS SELECT number, gen_random_uuid() AS team_id, gen_random_uuid() AS scenario_id,
      gen_random_uuid() AS predictor_id, gen_random_uuid() AS version_id FROM generate_series(1, ${teams - 1}) AS number`);
  await administrator.query(`
    INSERT INTO copied_team SELECT 0, version.team_id, version.scenario_id, version.predictor_id, version.id
    FROM predictor_version AS version`);
  await administrator.query(
    "INSERT INTO team (id, name) SELECT team_id, 'Team ' || number FROM copied_team AS team WHERE team.number > 0",
  );
  const copyOf = (table: string, changes: string, from: string) =>
    administrator.query(`INSERT INTO ${table} SELECT (jsonb_populate_record(original, ${changes})).* FROM ${from}`);
  await copyOf(
    'scenario',
    "jsonb_build_object('id', team.scenario_id, 'team_id', team.team_id)",
    'scenario AS original, copied_team AS team WHERE team.number > 0 AND original.name = (SELECT name FROM scenario LIMIT 1)',
  );
  await copyOf(
    'predictor',
    "jsonb_build_object('id', team.predictor_id, 'team_id', team.team_id, 'scenario_id', team.scenario_id)",
    'predictor AS original, copied_team AS team WHERE team.number > 0',
  );
  await copyOf(
    'predictor_version',
    "jsonb_build_object('id', team.version_id, 'team_id', team.team_id, 'scenario_id', team.scenario_id, 'predictor_id', team.predictor_id)",
    'predictor_version AS original, copied_team AS team WHERE team.number > 0',
  );
  const original = (table: string) => `(SELECT ${table} AS original FROM ${table} ORDER BY id LIMIT 1) AS first`;
  const all = 'copy JOIN copied_team AS team ON team.number = copy.team';
  await copyOf(
    'upload',
    "jsonb_build_object('id', copy.upload_id, 'team_id', team.team_id)",
    `${original('upload')}, ${all}`,
  );
  await copyOf(
    'network',
    "jsonb_build_object('id', copy.network_id, 'team_id', team.team_id, 'upload_id', copy.upload_id, 'name', 'network-' || n)",
    `${original('network')}, ${all}`,
  );
  await administrator.query(`
    INSERT INTO prediction (id, team_id, network_id, predictor_version_id, scenario_id, latency_us, fixed_us, lower_us,
      upper_us, level, coverage, kernels)
    SELECT gen_random_uuid(), team.team_id, copy.network_id, team.version_id, team.scenario_id, latency_us, fixed_us, lower_us,
      upper_us, level, coverage, jsonb_path_query_array(kernels, '$[0 to ${KERNELS - 1}]')
    FROM (SELECT * FROM prediction LIMIT 1) AS original, ${all}, generate_series(1, ${each})`);
  await administrator.query('VACUUM ANALYZE');
}

/** How often each large table has been read from end to end. */
async function sequentialScans(administrator: Postgres): Promise<Map<string, number>> {
  await delay(COUNTED_AFTER_MS);
  const { rows } = await administrator.query(
    'SELECT relname, seq_scan::int FROM pg_stat_user_tables WHERE relname = ANY ($1)',
    [LARGE_TABLES],
  );
  return new Map(rows.map(({ relname, seq_scan }) => [relname, seq_scan]));
}

const PAGE = 'pageInfo { hasNextPage endCursor }';
const NETWORK = 'id name status createdAt';
const PREDICTION = 'id latencyUs interval { lowerUs upperUs } network { name } scenario { name } version { number }';

/** What pages and pipelines ask for. */
function questions(ids: { networkId: string; versionId: string; predictionId: string; cursor: string }) {
  const { networkId, versionId, predictionId, cursor } = ids;
  return {
    'networks, first page': `{ networks(first: 50) { edges { node { ${NETWORK} } } ${PAGE} } }`,
    'networks, another page': `{ networks(first: 50, after: "${cursor}") { edges { node { ${NETWORK} } } ${PAGE} } }`,
    'networks of a name': `{ networks(first: 50, filter: { name: "network-770" }) { edges { node { ${NETWORK} } } } }`,
    'a network': `{ node(id: "${networkId}") { ... on Network { ${NETWORK} } } }`,
    'predictions, first page': `{ predictions(first: 50) { edges { node { ${PREDICTION} } } ${PAGE} } }`,
    'predictions of a network': `{ predictions(first: 50, filter: { networkId: "${networkId}" }) { edges { node { ${PREDICTION} } } } }`,
    'predictions of a version': `{ predictions(first: 50, filter: { versionId: "${versionId}" }) { edges { node { ${PREDICTION} } } } }`,
    'a prediction with its kernels': `{ prediction(id: "${predictionId}") { ${PREDICTION} kernels { kind latencyUs } } }`,
    predictors: '{ predictors(first: 50) { edges { node { id name } } } }',
    'versions of the team': '{ predictorVersions(first: 50) { edges { node { id number status } } } }',
    datasets: '{ datasets(first: 50) { edges { node { id name } } } }',
  };
}

async function measureQuestion(client: Client, question: string) {
  const timesMs: number[] = [];
  for (let i = 0; i <= ASKED; i++) {
    const start = performance.now();
    await client.request(question);
    // The first one compiles the document.
    if (i > 0) timesMs.push(performance.now() - start);
  }
  timesMs.sort((a, b) => a - b);
  return { medianMs: Number(timesMs[ASKED >> 1].toFixed(1)), worstMs: Number(timesMs[ASKED - 1].toFixed(1)) };
}

/** All of it. `missed` has a sentence for each bar that is missed. */
export async function loadRows(size: 'full' | 'short'): Promise<{ result: object; missed: string[] }> {
  const [scenario] = await measuredScenarios();
  const installation = await Installation.start();
  try {
    const api = await installation.run('api');
    const worker = await installation.run('worker');
    const team = await installation.createTeam(api, worker, SCOPES);
    const filled = await fill(team.client, [scenario]);
    const versionId = await startTraining(team.client, filled, scenario, 'LASSO');
    await trained(team.client, versionId);
    const [networkId] = filled.networkIds;
    const { predict } = await team.client.request<{ predict: { predictions: { id: string }[] } }>(
      'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }',
      { input: { networkIds: [networkId], versionIds: [versionId] } },
    );
    return await installation.asAdministrator(async (administrator) => {
      const { rows: whole } = await administrator.query('SELECT pg_column_size(kernels) AS bytes FROM prediction');
      await multiply(administrator, SIZES[size]);
      const page = await team.client.request<{ networks: { pageInfo: { endCursor: string } } }>(
        '{ networks(first: 100) { pageInfo { endCursor } } }',
      );
      const ids = {
        networkId,
        versionId,
        predictionId: predict.predictions[0].id,
        cursor: page.networks.pageInfo.endCursor,
      };
      const before = await sequentialScans(administrator);
      const times: Record<string, Awaited<ReturnType<typeof measureQuestion>>> = {};
      for (const [name, question] of Object.entries(questions(ids)))
        times[name] = await measureQuestion(team.client, question);
      const after = await sequentialScans(administrator);
      const scanned = LARGE_TABLES.filter((table) => after.get(table)! > before.get(table)!);
      const { rows: bytes } = await administrator.query(
        `SELECT relname AS table, n_live_tup::int AS rows, pg_total_relation_size(relid)::float8 AS bytes
         FROM pg_stat_user_tables WHERE relname = ANY ($1) ORDER BY bytes DESC`,
        [LARGE_TABLES],
      );
      const missed = Object.entries(times)
        .filter(([, { medianMs }]) => medianMs > MAXIMUM_MS)
        .map(([name, { medianMs }]) => `${name}: ${medianMs} ms, more than ${MAXIMUM_MS}`);
      // A table of a few pages is rightly read whole.
      if (size === 'full') missed.push(...scanned.map((table) => `${table} was read from end to end`));
      return {
        result: {
          ...SIZES[size],
          ofWhichTheAskedTeams: 0.1,
          times,
          scanned,
          tables: bytes,
          bytesOfARealPredictionsKernels: whole[0].bytes,
        },
        missed,
      };
    });
  } finally {
    await installation.stop();
  }
}
