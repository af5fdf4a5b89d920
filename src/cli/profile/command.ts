/**
 * The command profile: measures networks on this machine, says how steady the machine was, and writes nothing if it was
 * not.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { STATISTICS, type Statistic } from '../../engine';
import { writeProfileTable } from '../../profiles';
import { networkPaths, openNetwork, parseNetwork } from '../files';
import { localScenario, measureNetworks, ROUNDS } from '../measure';
import { formatLatency, formatPercent, type Output } from '../output';
import { describeMachine, holdToCores } from './machine';
import { MeasurementError } from './measurement-error';
import { excesses, NoiseWatch } from './noise';
import { type Spread, spreadOf } from './statistics';

interface ProfileOptions {
  readonly output: string;
  readonly scenario?: string;
  readonly warmUps: number;
  readonly repetitions: number;
  readonly threads: number;
  readonly affinity?: string;
  readonly statistic: Statistic;
  readonly allowNoise?: boolean;
}

const MAXIMUM_RUNS = 10_000;
const MAXIMUM_THREADS = 1024;

/** Reads a whole number of an option. */
function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

export function addProfileCommand(program: Command, output: () => Output): void {
  const inEach = `in each of ${ROUNDS} rounds`;
  program
    .command('profile')
    .description('measure networks on this machine with onnxruntime, kernel by kernel and end to end')
    .argument('<files...>', 'network files with their weights, or folders of them')
    .requiredOption('-o, --output <dataset>', 'profile to write (.csv or .parquet)')
    .option('--scenario <scenario>', `runtime/device/processor/type (default: ${localScenario()})`)
    .addOption(
      new Option('--warm-up, --warm-ups <runs>', `runs that do not count, ${inEach}`)
        .argParser(count(0, MAXIMUM_RUNS))
        .default(3),
    )
    .option('--repetitions <runs>', `runs that count, ${inEach}`, count(1, MAXIMUM_RUNS), 12)
    .option('--threads <number>', 'threads that an op may use', count(1, MAXIMUM_THREADS), 1)
    .option('--affinity <cores>', 'cores to be held to: 0, 0-3 or 0,2')
    .addOption(
      new Option('--statistic <statistic>', 'what an end-to-end row is of all runs')
        .choices(STATISTICS)
        .default('minimum'),
    )
    .option('--allow-noise', 'write the profile even if other processes disturbed it')
    .action((given: string[], options: ProfileOptions) => profile(given, options, output()));
}

async function profile(given: readonly string[], options: ProfileOptions, output: Output): Promise<void> {
  const { scenario = localScenario(options.threads), warmUps, repetitions, threads, affinity, statistic } = options;
  if (affinity !== undefined) await holdToCores(affinity);
  const measurable = [];
  for (const file of await networkPaths(given)) {
    const network = await openNetwork(file);
    measurable.push({ bytes: network.bytes, graph: parseNetwork(network) });
  }
  const machine = await describeMachine();
  const { runtimeBuild, governor } = machine;
  const watch = new NoiseWatch();
  const spreads = new Map<string, Spread>();
  const progress = output.progress('measuring', 100);
  const measured = await measureNetworks(
    measurable,
    {
      ...{ scenario, warmUps, repetitions, threads, statistic },
      harness: { runtimeBuild, governor, affinity: machine.affinity },
      betweenRounds: () => watch.look(),
      onRuns: (network, latencies) => {
        watch.addRuns(latencies);
        spreads.set(network, spreadOf(latencies));
      },
    },
    (done) => progress.update(100 * done),
  );
  progress.stop();
  const { noise } = watch;
  const reasons = excesses(noise);
  if (reasons.length > 0 && !options.allowNoise) {
    throw new MeasurementError(
      'NOISY_MACHINE',
      `the machine was too noisy, and nothing was written: ${reasons.join('; ')}`,
      machine.processor,
      'End what else runs here, hold the process to cores of its own (--affinity), or take it as it is (--allow-noise).',
    );
  }
  for (const reason of reasons) output.note(`noise: ${reason}`);
  await writeProfileTable(measured, options.output);
  const rows = measured.networks.map(({ network, latencyUs }) => ({ network, latencyUs, ...spreads.get(network)! }));
  const result = {
    dataset: options.output,
    scenario,
    networks: rows.length,
    kernels: measured.kernels.length,
    latencies: rows,
    machine,
    noise: { ...noise, isNoisy: reasons.length > 0 },
  };
  output.result(result, () =>
    [
      output.table(
        ['network', statistic, 'median', 'deviation', 'half of the runs'],
        rows.map(({ network, latencyUs, medianUs, medianAbsoluteDeviationUs, interquartileUs }) => [
          network,
          formatLatency(latencyUs),
          formatLatency(medianUs),
          formatPercent((100 * medianAbsoluteDeviationUs) / medianUs),
          interquartileUs.map(formatLatency).join(' to '),
        ]),
      ),
      `${measured.kernels.length} kernel rows and ${rows.length} end-to-end rows of ${scenario} in ${options.output}`,
    ].join('\n'),
  );
}
