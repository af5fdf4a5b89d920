/** Commands that compare: two versions on an evaluation set, networks over scenarios, the plans of two runtimes; and the sets. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { comparePlans, EngineError, type PlansComparison, planKernels, withGpu } from '../engine';
import { type Client, ServiceError, type ServiceFailure } from './client';
import {
  COMPARE_SCENARIOS,
  COMPARE_VERSIONS,
  findEvaluationSet,
  nameOf,
  type ScenariosAnswer,
  type VersionsComparison,
} from './comparison-query';
import { collectBinding, openNetwork, parseNetwork } from './files';
import { formatLatency, type Output } from './output';
import { connect, findDataset, pushNetworks } from './service-commands';
import { comparisonMarkdown, table } from './show-comparison';
import { findVersion, readAll } from './version-client';

/** How often the state of a set that is being made is asked for, milliseconds. */
const POLL_MILLISECONDS = 150;

interface EvaluationSet {
  readonly id: string;
  readonly name: string;
  readonly status: 'PENDING' | 'READY' | 'REJECTED';
  readonly sha256: string | null;
  readonly networkCount: number | null;
  readonly rowCount: number | null;
  readonly leftOut: readonly string[] | null;
  readonly failure: ServiceFailure | null;
}

const SET = 'id name status sha256 networkCount rowCount leftOut failure { code message where remedy }';

const repeated = (value: string, all: string[]) => [...all, value];

export function addCompareCommands(program: Command, output: () => Output): void {
  addEvaluationSetCommands(program, output);

  program
    .command('compare')
    .description('compare two versions on a frozen evaluation set')
    .argument('<A>', 'version to compare with: predictor@number, or an id')
    .argument('<B>', 'version that is judged')
    .requiredOption('--on <set>', 'evaluation set, by name or id')
    .option('--scenario <scenario>', "of the set; the versions' own, if left out; may be repeated", repeated, [])
    .option('--leave-out', 'leave networks out that a version was trained on, instead of refusing')
    .option('--markdown <file>', 'write the comparison as Markdown, too')
    .option('--seed <number>', 'seeds the resampling', Number, 0)
    .action(
      async (
        a: string,
        b: string,
        options: { on: string; scenario: string[]; leaveOut?: boolean; markdown?: string; seed: number },
      ) => {
        const client = connect();
        const input = {
          versionAId: await findVersion(client, a),
          versionBId: await findVersion(client, b),
          evaluationSetId: await findEvaluationSet(client, options.on),
          ...(options.scenario.length > 0 && { scenarios: options.scenario }),
          onTrainedNetworks: options.leaveOut ? 'LEAVE_OUT' : 'REFUSE',
          seed: options.seed,
        };
        const answer = await client.request<{ compareVersions: VersionsComparison }>(COMPARE_VERSIONS, { input });
        const markdown = comparisonMarkdown(answer.compareVersions);
        if (options.markdown) await writeFile(options.markdown, `${markdown}\n`);
        output().result(answer.compareVersions, () => markdown);
      },
    );

  program
    .command('compare-scenarios')
    .description('networks side by side over scenarios and versions; files are uploaded first, without their weights')
    .argument('<files...>', 'network files, or folders of them')
    .option('--scenario <scenario>', 'runtime/device/processor/type; may be repeated', repeated, [])
    .option('--version <version>', 'predictor@number, or an id; may be repeated', repeated, [])
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(
      async (files: string[], options: { scenario: string[]; version: string[]; bind: Record<string, number> }) => {
        const client = connect();
        const networks = await pushNetworks(client, files, { bind: options.bind, output: output() });
        const versionIds = await Promise.all(options.version.map((version) => findVersion(client, version)));
        const input = { networkIds: networks.map(({ id }) => id), scenarios: options.scenario, versionIds };
        const answer = await client.request<{ compareScenarios: ScenariosAnswer }>(COMPARE_SCENARIOS, { input });
        output().result(answer.compareScenarios, () => showScenarios(answer.compareScenarios));
      },
    );

  program
    .command('compare-plans')
    .description('the kernels that two runtimes, or two versions of one, launch for a network; without a service')
    .argument('<file>', 'network file')
    .requiredOption('--runtime <runtime>', 'given twice: A and B, for example tflite-gpu@2.10', repeated, [])
    .option('--gpu <gpu>', 'where the rules depend on it, for example adreno-640')
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(async (file: string, options: { runtime: string[]; gpu?: string; bind: Record<string, number> }) => {
      const { runtime, gpu, bind } = options;
      if (runtime.length !== 2) {
        const message = `--runtime is given ${runtime.length} times, expected twice`;
        throw new EngineError('UNKNOWN_NAME', message, '--runtime', 'Name the runtimes A and B.');
      }
      const graph = parseNetwork(await openNetwork(file), bind);
      const [a, b] = runtime.map((each) => planKernels(graph, withGpu(each, gpu)));
      const comparison = comparePlans(a, b);
      output().result(comparison, () => showPlans(comparison));
    });
}

function addEvaluationSetCommands(program: Command, output: () => Output): void {
  const sets = program
    .command('evaluation-set')
    .description('frozen lists of measured networks that versions are judged on');
  const row = ({ name, status, networkCount, rowCount, sha256, id }: EvaluationSet) => [
    name,
    status,
    String(networkCount ?? ''),
    String(rowCount ?? ''),
    sha256?.slice(0, 12) ?? '',
    id,
  ];
  const head = ['evaluation set', 'status', 'networks', 'rows', 'SHA-256', 'id'];
  sets
    .command('create')
    .description('freeze measured networks of a dataset')
    .argument('<name>', "the set's name, which no other has")
    .requiredOption('--dataset <name or id>', 'dataset with the measurements')
    .option('--network <name>', 'only this network; may be repeated', repeated, [])
    .option('--scenario <scenario>', 'only this scenario; may be repeated', repeated, [])
    .action(async (name: string, options: { dataset: string; network: string[]; scenario: string[] }) => {
      const client = connect();
      const { dataset, network, scenario } = options;
      const input = {
        name,
        datasetId: await findDataset(client, dataset),
        ...(network.length > 0 && { networks: network }),
        ...(scenario.length > 0 && { scenarios: scenario }),
      };
      const set = await createEvaluationSet(client, input);
      output().result(set, () => output().table(head, [row(set)]));
    });
  sets
    .command('list')
    .description('evaluation sets of the team, newest first')
    .action(async () => {
      const all = await readAll<EvaluationSet>(connect(), 'evaluationSets', {}, SET);
      output().result(all, () => output().table(head, all.map(row)));
    });
}

/** Makes a set and waits until it is READY. @throws ServiceError */
async function createEvaluationSet(client: Client, input: object): Promise<EvaluationSet> {
  const made = await client.request<{ createEvaluationSet: { evaluationSet: EvaluationSet } }>(
    `mutation ($input: CreateEvaluationSetInput!) { createEvaluationSet(input: $input) { evaluationSet { ${SET} } } }`,
    { input },
  );
  let set = made.createEvaluationSet.evaluationSet;
  while (set.status === 'PENDING') {
    await delay(POLL_MILLISECONDS);
    const query = `query ($id: ID!) { node(id: $id) { ... on EvaluationSet { ${SET} } } }`;
    set = (await client.request<{ node: EvaluationSet }>(query, { id: set.id })).node;
  }
  if (set.failure) throw new ServiceError(set.failure);
  return set;
}

function showScenarios({ columns, agreements }: ScenariosAnswer): string {
  const heads = columns.map(({ scenario, version }) => `${scenario} (${nameOf(version)})`);
  const names = columns[0].latencies.map(({ network }) => network);
  const cell = (name: string) => (column: ScenariosAnswer['columns'][number]) => {
    const { latencyUs, rank } = column.latencies.find(({ network }) => network === name)!;
    return `${formatLatency(latencyUs)} (${rank}.)`;
  };
  const orders = agreements.map(({ first, second, kendallTau }) => [
    heads[first],
    heads[second],
    kendallTau?.toFixed(3) ?? '',
  ]);
  return [
    table(
      ['network', ...heads],
      names.map((name) => [name, ...columns.map(cell(name))]),
    ),
    ...(orders.length > 0 ? [table(['scenario', 'and', 'Kendall tau of the orders'], orders)] : []),
  ].join('\n\n');
}

function showPlans({ runtimeA, runtimeB, onlyInA, onlyInB, same }: PlansComparison): string {
  const kernels = (title: string, all: PlansComparison['onlyInA']) =>
    `### ${title}: ${all.length}\n\n${table(
      ['kernel', 'fused', 'ops', 'reason'],
      all.map(({ kind, fused, ops, reason }) => [kind, fused.join('+'), ops.join(', '), reason]),
    )}`;
  return [
    `## ${runtimeA} (A) and ${runtimeB} (B): ${same.length} kernels the same`,
    kernels('Only in A', onlyInA),
    kernels('Only in B', onlyInB),
  ].join('\n\n');
}
