/**
 * The command measure-next: which networks to measure, as a list of files that `fusecast profile` or a phone takes. By the
 * engine on this machine, or by a service that knows what was measured.
 */
import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { type DimensionBindings, EngineError, type Graph, measureNext, runtimeOfScenario } from '../engine';
import { readProfile } from '../profiles';
import type { Client } from './client';
import { collectBinding, networkPaths, openNetwork, parseNetwork } from './files';
import { formatPercent, type Output } from './output';
import { connect, pushNetworks } from './service-commands';

interface MeasureNextOptions {
  readonly scenario: string;
  readonly dataset: readonly string[];
  readonly count: number;
  readonly gpu?: string;
  readonly service?: boolean;
  readonly bind: DimensionBindings;
  readonly output?: string;
}

/** What the engine and the service both say, with the files. */
interface Answer {
  readonly runtime: string;
  readonly candidates: number;
  readonly measured: number;
  readonly varianceBefore: number;
  readonly networks: readonly {
    readonly file: string;
    readonly network: string;
    readonly expectedGain: number;
    readonly varianceLeft: number;
    readonly reason: string;
  }[];
}

export function addMeasureNextCommand(program: Command, output: () => Output): void {
  program
    .command('measure-next')
    .description('choose the networks whose measurement would teach a predictor most; prints their files, one a line')
    .argument('<files...>', 'network files, or folders of them: candidates, and those that the datasets name')
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .option(
      '--dataset <file>',
      'profile of what is measured already; may be repeated',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option('--count <networks>', 'how many to choose', atLeastOne, 10)
    .option('--gpu <gpu>', "the device's GPU, where the runtime's rules need it and the device is not a known one")
    .option('--service', 'ask the service, which knows what is measured; files are uploaded, without their weights')
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .option('-o, --output <file>', 'write the list there, too')
    .action(async (given: string[], options: MeasureNextOptions) => {
      const files = await networkPaths(given);
      const answer = options.service
        ? await askService(connect(), files, options, output())
        : await askEngine(files, options, output());
      const list = answer.networks.map(({ file }) => `${file}\n`).join('');
      if (options.output !== undefined) await writeFile(options.output, list);
      output().note(showReasons(output(), answer));
      output().result(answer, () => list.trimEnd());
    });
}

async function askEngine(
  files: readonly string[],
  { scenario, dataset, count, gpu, bind }: MeasureNextOptions,
  output: Output,
): Promise<Answer> {
  const profiles = await Promise.all(dataset.map((file) => readProfile(file)));
  const rows = profiles.flatMap(({ networks, kernels }) => [...networks, ...kernels]);
  const names = new Set(rows.filter((row) => row.scenario === scenario).map(({ network }) => network));
  if (dataset.length > 0 && names.size === 0) {
    const message = `the datasets have no row of ${scenario}`;
    throw new EngineError('INSUFFICIENT_DATA', message, '--dataset', 'Check the scenario, or leave --dataset out.');
  }
  const networks: { readonly file: string; readonly graph: Graph }[] = [];
  for (const file of files) networks.push({ file, graph: parseNetwork(await openNetwork(file), bind) });
  const isMeasured = ({ graph }: { readonly graph: Graph }) => names.has(graph.name);
  const candidates = networks.filter((network) => !isMeasured(network));
  const measured = networks.filter(isMeasured);
  const missing = names.size - new Set(measured.map(({ graph }) => graph.name)).size;
  if (missing > 0) {
    output.note(`${missing} measured networks are not among the files: what they taught is not taken into account.`);
  }
  const answer = measureNext({
    runtime: runtimeOfScenario(scenario, gpu),
    candidates: candidates.map(({ graph }) => graph),
    measured: measured.map(({ graph }) => graph),
    count,
  });
  const chosen = answer.networks.map(({ candidate, ...next }) => ({ file: candidates[candidate].file, ...next }));
  return { ...answer, networks: chosen };
}

async function askService(
  client: Client,
  files: readonly string[],
  { scenario, dataset, count, gpu, bind }: MeasureNextOptions,
  output: Output,
): Promise<Answer> {
  if (dataset.length > 0 || gpu !== undefined) {
    const message = '--service goes with neither --dataset nor --gpu';
    throw new EngineError('UNKNOWN_NAME', message, '--service', 'The service knows what its versions were trained on.');
  }
  const pushed = await pushNetworks(client, files, { bind, output });
  const fileOf = new Map(pushed.map(({ id }, i) => [id, files[i]]));
  type Chosen = Omit<Answer['networks'][number], 'file' | 'network'> & { network: { id: string; name: string } };
  const { measureNext: answer } = await client.request<{
    measureNext: Omit<Answer, 'networks'> & { networks: Chosen[] };
  }>(
    `query ($input: MeasureNextInput!) { measureNext(input: $input) { runtime candidates measured varianceBefore
      networks { network { id name } expectedGain varianceLeft reason
        adds { kind share newKind windows ranges { feature smallest largest knownSmallest knownLargest } } } } }`,
    { input: { scenario, networkIds: [...fileOf.keys()], count } },
  );
  const networks = answer.networks.map(({ network: { id, name }, ...next }) => ({
    file: fileOf.get(id)!,
    network: name,
    ...next,
  }));
  return { ...answer, networks };
}

/** For people, beside the list: what each is expected to teach, and why. */
function showReasons(output: Output, { candidates, measured, varianceBefore, networks }: Answer): string {
  const rows = networks.map(({ network, expectedGain, varianceLeft, reason }) => [
    network,
    formatPercent(expectedGain),
    formatPercent(varianceLeft),
    reason,
  ]);
  return [
    `${candidates} candidates, ${measured} measured; ${formatPercent(varianceBefore)} of the variance is left`,
    output.table(['network', 'removes', 'leaves', 'reason'], rows),
  ].join('\n');
}

/** @throws InvalidArgumentError */
function atLeastOne(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number, 1 or more.');
}
