/**
 * Commands that bring own measurements to a service: calibrate, report-latency, drift, dataset from-measurements.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EngineError, type Harness, type NetworkMeasurement } from '../engine';
import { readProfile } from '../profiles';
import type { Client } from './client';
import type { Output } from './output';
import { connect } from './service-commands';
import { type CalibrationResult, type DriftResult, showCalibration, showDrift } from './show-calibration';

/** Measurements of one call. */
const REPORTED_AT_ONCE = 1000;

interface Measurement {
  readonly network: string;
  readonly latencyUs: number;
}

export function addCalibrateCommands(program: Command, output: () => Output): void {
  program
    .command('calibrate')
    .description("bring a version's predictions to how you measure, by own measurements of 3 to 50 networks")
    .argument('<version>', 'id of the version')
    .option(
      '--measurement <network=latencyUs>',
      'a network of the team, measured; may be repeated',
      collectMeasurement,
      [],
    )
    .option(
      '--file <profile>',
      "a profile (.csv, .json, .jsonl, .parquet) with end-to-end rows of the version's scenario",
    )
    .option(
      '--harness <field=value>',
      'how it was measured, for example threads=4; may be repeated',
      collectHarness,
      {},
    )
    .option('--name <name>', "the calibration's name", 'own measurements')
    .action(
      async (
        versionId: string,
        options: { measurement: Measurement[]; file?: string; harness: Harness; name: string },
      ) => {
        const client = connect();
        const scenario = await scenarioOf(client, versionId);
        const given = await measurementsOf(options, scenario);
        const harness = { ...given.harness, ...options.harness };
        const input = {
          versionId,
          name: options.name,
          measurements: given.rows.map(({ network, latencyUs }) => ({ network, latencyUs })),
          harness: { ...harness, statistic: harness.statistic?.toUpperCase() },
        };
        const { createCalibration } = await client.request<{ createCalibration: { calibration: CalibrationResult } }>(
          `mutation ($input: CreateCalibrationInput!) { createCalibration(input: $input) { calibration {
            id name factor offsetUs widening warnings errorBefore { mape medianApe within10 } errorAfter { mape medianApe within10 }
            networks { network measuredUs predictedUs calibratedUs heldOutUs isOutlier } } } }`,
          { input },
        );
        const { calibration } = createCalibration;
        for (const warning of calibration.warnings) output().note(`warning: ${warning}`);
        output().result(calibration, () => showCalibration(output(), calibration));
      },
    );

  program
    .command('report-latency')
    .description('report latencies that were measured in production')
    .argument('[network=latencyUs...]', 'networks of the team, measured')
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .option('--file <profile>', 'a profile (.csv, .json, .jsonl, .parquet): its end-to-end rows of the scenario')
    .option('--measured-at <time>', "ISO 8601; now, or the file's time, if left out", time)
    .option('--source <name>', 'where it comes from, for example the name of a fleet')
    .option('--key <key>', 'name of this report, which is not taken twice; made of its content, if left out')
    .action(
      async (
        given: string[],
        options: { scenario: string; file?: string; measuredAt?: string; source?: string; key?: string },
      ) => {
        const client = connect();
        const measurement = given.reduce<Measurement[]>((all, text) => collectMeasurement(text, all), []);
        const { rows } = await measurementsOf({ measurement, file: options.file }, options.scenario);
        const measuredAt = options.measuredAt ?? (await timeOf(options.file)).toISOString();
        const { scenario, source } = options;
        const measurements = rows.map((row) => ({ ...row, scenario, measuredAt, source }));
        const key = options.key ?? createHash('sha256').update(JSON.stringify(measurements)).digest('hex');
        const result = await report(client, measurements, key);
        output().result(result, () =>
          result.isRepeated
            ? `these ${result.measurements} measurements had been reported before`
            : `${result.measurements} measurements reported as ${key}`,
        );
      },
    );

  program
    .command('drift')
    .description('errors in production of the version that is used for a scenario, over time')
    .argument('<scenario>', 'runtime/device/processor/type')
    .addOption(new Option('--bucket <bucket>', 'gather by').choices(['day', 'week']).default('day'))
    .action(async (scenario: string, { bucket }: { bucket: string }) => {
      const drift = await readDrift(connect(), scenario, bucket);
      output().result(drift, () => showDrift(output(), drift));
    });

  program.commands
    .find((command) => command.name() === 'dataset')!
    .command('from-measurements')
    .description('make a dataset of the latencies that production reported')
    .argument('<name>', "the dataset's name")
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .option('--since <time>', 'ISO 8601: measured then or later', time)
    .option('--until <time>', 'ISO 8601: measured before', time)
    .action(async (name: string, { scenario, since, until }: { scenario: string; since?: string; until?: string }) => {
      const made = await connect().createDatasetFromMeasurements({ name, scenario, since, until });
      output().result(made, () => `dataset ${name}: ${made.networkRows} end-to-end rows\n${made.id}`);
    });
}

function collectMeasurement(text: string, previous: readonly Measurement[]): Measurement[] {
  const [, network, latency] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  const latencyUs = Number(latency);
  if (!network || !(latencyUs > 0)) {
    throw new InvalidArgumentError(`${text} is not network=microseconds, for example mobilenet=12345.6.`);
  }
  return [...previous, { network, latencyUs }];
}

const COUNTS: readonly string[] = ['threads', 'warmUps', 'repetitions'] satisfies (keyof Harness)[];
const TEXTS: readonly string[] = ['runtimeBuild', 'affinity', 'statistic', 'governor'] satisfies (keyof Harness)[];

function collectHarness(text: string, previous: Harness): Harness {
  const [, field, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (field && COUNTS.includes(field) && /^\d+$/.test(value)) return { ...previous, [field]: Number(value) };
  if (field && TEXTS.includes(field)) return { ...previous, [field]: value };
  const fields = [...COUNTS, ...TEXTS].join(', ');
  throw new InvalidArgumentError(`${text} is not field=value with one of ${fields}; counts are whole numbers.`);
}

function time(text: string): string {
  const value = new Date(text);
  if (Number.isNaN(value.getTime()))
    throw new InvalidArgumentError(`${text} is no time, for example 2026-11-24T09:00Z.`);
  return value.toISOString();
}

/** When a file was written, so that the same file is the same report; now without a file. */
async function timeOf(file: string | undefined): Promise<Date> {
  return file === undefined ? new Date() : (await stat(file)).mtime;
}

/** What was measured, from options or a file, and the file's harness. @throws EngineError */
async function measurementsOf(
  { measurement, file }: { measurement: readonly Measurement[]; file?: string },
  scenario: string,
): Promise<{ rows: readonly (Measurement & Partial<NetworkMeasurement>)[]; harness: Harness }> {
  if ((file === undefined) === (measurement.length === 0)) {
    const remedy = 'Give measured networks as network=latencyUs, or a profile with --file.';
    throw new EngineError('INSUFFICIENT_DATA', 'expected either measurements or --file', undefined, remedy);
  }
  if (file === undefined) return { rows: measurement, harness: {} };
  const { networks, harnesses } = await readProfile(file);
  const own = networks.filter((row) => row.scenario === scenario);
  const used = new Set(own.map(({ harness }) => harness));
  if (used.size !== 1) {
    const what = used.size === 0 ? 'has no end-to-end row' : `has rows of ${used.size} harnesses`;
    const remedy = used.size === 0 ? 'Check the scenario.' : 'Give the rows of one harness at a time.';
    throw new EngineError('INVALID_PROFILE', `the profile ${what} of ${scenario}`, file, remedy);
  }
  const rows = own.map(({ network, latencyUs, deviationUs }) => ({ network, latencyUs, deviationUs }));
  return { rows, harness: harnesses[own[0].harness] };
}

async function scenarioOf(client: Client, versionId: string): Promise<string> {
  const { node } = await client.request<{ node: { scenario?: { name: string } } }>(
    'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { scenario { name } } } }',
    { id: versionId },
  );
  if (node.scenario) return node.scenario.name;
  const remedy = 'fusecast train and fusecast versions print ids of versions.';
  throw new EngineError('UNKNOWN_NAME', `${versionId} is not the id of a version`, 'version', remedy);
}

/** Reports in parts of what one call takes, each under a key of its own. */
async function report(
  client: Client,
  measurements: readonly object[],
  key: string,
): Promise<{ clientKey: string; measurements: number; isRepeated: boolean }> {
  let isRepeated = true;
  for (let start = 0; start < measurements.length; start += REPORTED_AT_ONCE) {
    const clientKey = measurements.length > REPORTED_AT_ONCE ? `${key}/${start / REPORTED_AT_ONCE}` : key;
    const input = { clientKey, measurements: measurements.slice(start, start + REPORTED_AT_ONCE) };
    const { reportLatencies } = await client.request<{ reportLatencies: { isRepeated: boolean } }>(
      'mutation ($input: ReportLatenciesInput!) { reportLatencies(input: $input) { isRepeated } }',
      { input },
    );
    isRepeated &&= reportLatencies.isRepeated;
  }
  return { clientKey: key, measurements: measurements.length, isRepeated };
}

async function readDrift(client: Client, scenario: string, bucket: string): Promise<DriftResult> {
  type Answer = { scenarios: { edges: { node: { drift: Omit<DriftResult, 'scenario'> | null } }[] } };
  const { scenarios } = await client.request<Answer>(
    `query ($filter: ScenarioFilter!, $bucket: DriftBucket!) { scenarios(filter: $filter) { edges { node {
      drift(bucket: $bucket) { level pendingNetworks version { id number }
        alert { id test pValue createdAt }
        tests { verdict test pValue since until measurements networks covered signedError }
        buckets { startsAt measurements networks covered signedError mape } } } } } }`,
    { filter: { name: scenario }, bucket: bucket.toUpperCase() },
  );
  const drift = scenarios.edges[0]?.node.drift;
  if (drift) return { scenario, ...drift };
  const message = scenarios.edges.length === 0 ? 'no dataset names the scenario' : 'the scenario has no version';
  throw new EngineError('UNKNOWN_NAME', `${message}: ${scenario}`, 'scenario', 'Train one: fusecast train.');
}
