/**
 * `fusecast check`: networks of a repository against the latency budgets in fusecast.yaml, for a CI pipeline.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { readClientConfig, readPipelineVariables } from '../config';
import { toAnnotations } from './check/annotations';
import { assess, type CheckResult, matchBudgets, type Predictions } from './check/assessment';
import { type Base, baseOfBranch, baseOfFile, isFile } from './check/base';
import { type Configuration, parseConfiguration } from './check/configuration';
import { toJunit } from './check/junit';
import { toMarkdown } from './check/markdown';
import { findModels, uploadModels } from './check/models';
import { describePipeline, type Pipeline } from './check/pipeline';
import { type CheckReport, outcomeOf } from './check/report';
import { toSarif } from './check/sarif';
import { predict, type RecordedRun, record } from './check/service';
import { showCheck } from './check/show';
import { worst } from './check/verdict';
import { Client, ServiceError } from './client';
import type { Output } from './output';

/** Of the contract of the command line. */
const EXIT_CODES = { pass: 0, fail: 1, inconclusive: 3 } as const;

/** What the service keeps of one result; a body of its API holds no more. */
const RECORDED_CHANGES = 1000;
const RECORDED_CHANGES_OF_ONE = 20;

interface CheckOptions {
  readonly config: string;
  readonly base?: string;
  readonly markdown?: string;
  readonly junit?: string;
  readonly sarif?: string;
  readonly annotations?: boolean;
  readonly inconclusive: CheckReport['inconclusive'];
  readonly missingBase: 'pass' | 'inconclusive' | 'fail';
  readonly record?: boolean;
  readonly repository?: string;
  readonly branch?: string;
  readonly commit?: string;
  readonly run?: string;
}

export function addCheckCommand(program: Command, output: () => Output): void {
  program
    .command('check')
    .description(
      'check networks against the latency budgets of fusecast.yaml; files are uploaded without their weights',
    )
    .option('-c, --config <file>', 'networks, scenarios and budgets', 'fusecast.yaml')
    .option('--base <branch or file>', 'compare with the last run of a branch, or with what --json printed earlier')
    .option('--markdown <file>', 'write the result for a pull request')
    .option('--junit <file>', 'write the result as JUnit XML')
    .option('--sarif <file>', 'write the result as SARIF 2.1.0')
    .option('--annotations', 'print annotations of GitHub Actions on standard error')
    .addOption(
      new Option('--inconclusive <as>', 'what an interval that holds the budget counts as; report is exit code 3')
        .choices(['report', 'pass', 'fail'])
        .default('report'),
    )
    .addOption(
      new Option('--missing-base <as>', 'what a regression budget counts as where there is nothing to compare with')
        .choices(['pass', 'inconclusive', 'fail'])
        .default('pass'),
    )
    .option('--record', 'keep the run in the service, as in a CI system')
    .option('--no-record', 'do not keep the run in the service')
    .option('--repository <owner/name>', "the repository, if not the CI system's or git's")
    .option('--branch <name>', 'its branch')
    .option('--commit <id>', 'its commit')
    .option('--run <name>', 'tells runs of the same commit apart')
    .action(async (options: CheckOptions) => {
      const report = await check(options, output());
      output().result(report, () => showCheck(output(), report));
      process.exitCode = EXIT_CODES[outcomeOf(report.verdict, report.inconclusive)];
    });
}

/** Does all of it, reports and recording too. @throws ServiceError, EngineError, ConfigError */
async function check(options: CheckOptions, output: Output): Promise<CheckReport> {
  const file = path.relative('', options.config).split(path.sep).join('/');
  const configuration = parseConfiguration(await readFile(options.config, 'utf8'), file);
  const models = await findModels(configuration);
  // Before anything is uploaded: what is wrong with the configuration costs nothing.
  const budgets = matchBudgets(
    configuration,
    models.map(({ name }) => name),
  );
  const { url, apiKey } = readClientConfig();
  if (!apiKey) {
    throw new ServiceError({
      code: 'UNAUTHENTICATED',
      message: 'FUSECAST_API_KEY is not set',
      remedy: 'Make a key with the mutation createApiKey, and give it to the pipeline as a secret.',
    });
  }
  const client = new Client(url, apiKey);
  const { repository = configuration.repository, branch, commit, run } = options;
  const pipeline = await describePipeline(path.dirname(options.config), readPipelineVariables(), {
    repository,
    branch,
    commit,
    run,
  });

  const notes: string[] = [];
  const base = await findBase(client, configuration, pipeline, options.base, notes);
  const progress = output.progress('uploading', models.length);
  const uploaded = await uploadModels(client, configuration, models, (done) => progress.update(done));
  progress.stop();
  const networkIds = uploaded.map(({ networkId }) => networkId);
  const bases = base ? await predictBase(client, configuration, base, new Set(networkIds), notes) : new Map();
  const heads = await predict(client, configuration, networkIds);

  const withoutBase =
    options.missingBase === 'pass' ? undefined : options.missingBase === 'fail' ? 'FAIL' : 'INCONCLUSIVE';
  const results = assess({ configuration, models: uploaded, budgets, heads, base, bases, withoutBase });
  noteMissing(results, configuration, base, notes);
  const report: CheckReport = {
    verdict: worst(results.map(({ verdict }) => verdict ?? undefined)) ?? 'PASS',
    inconclusive: options.inconclusive,
    repository: pipeline.repository ?? null,
    configuration: file,
    branch: pipeline.branch ?? null,
    baseBranch: pipeline.baseBranch ?? null,
    commit: pipeline.commit ?? null,
    run: pipeline.run,
    url: pipeline.url ?? null,
    base: base ? { name: base.name, commit: base.commit ?? null, checkId: base.checkId ?? null } : null,
    checkId: null,
    notes,
    results,
  };
  await writeReports(report, options, output);
  return { ...report, checkId: await keep(client, report, pipeline, options.record) };
}

/** What to compare with: as the command line says, else the pull request, else the configuration. */
async function findBase(
  client: Client,
  configuration: Configuration,
  { repository, branch, baseBranch, commit }: Pipeline,
  given: string | undefined,
  notes: string[],
): Promise<Base | undefined> {
  if (given !== undefined && (given.endsWith('.json') || (await isFile(given)))) return baseOfFile(given);
  const name = given ?? baseBranch ?? configuration.base;
  if (name === undefined) return undefined;
  if (!repository) {
    const message = `which repository this is is not known, so that no run of ${name} can be found`;
    throw new ServiceError({ code: 'BAD_INPUT', message, where: '--base', remedy: 'Give --repository owner/name.' });
  }
  // On the branch itself the state before is meant: a run of this very commit is none.
  const other = name === branch ? commit : undefined;
  const base = await baseOfBranch(client, { repository, configuration: configuration.file, branch: name }, other);
  if (!base) notes.push(`No earlier run of ${name} of ${repository} is kept: there is nothing to compare with.`);
  return base;
}

/** The base's networks under the versions of today; none if the service does not have them. */
async function predictBase(
  client: Client,
  configuration: Configuration,
  base: Base,
  heads: ReadonlySet<string>,
  notes: string[],
): Promise<Predictions> {
  const ids = new Set([...base.results.values()].map(({ networkId }) => networkId).filter((id) => !heads.has(id)));
  if (ids.size === 0) return new Map();
  try {
    return await predict(client, configuration, [...ids]);
  } catch (error) {
    const isUnknown = error instanceof ServiceError && error.failure.where === 'Network';
    if (!isUnknown) throw error;
    notes.push(`The networks of ${base.name} are not in this service: changes are told from its intervals alone.`);
    return new Map();
  }
}

function noteMissing(
  results: readonly CheckResult[],
  { budgets }: Configuration,
  base: Base | undefined,
  notes: string[],
) {
  if (budgets.every(({ regression }) => regression === undefined)) return;
  const missing = [...new Set(results.filter((result) => !result.change).map(({ network }) => network))];
  if (base && missing.length > 0) notes.push(`Not in ${base.name}, and not compared: ${missing.join(', ')}.`);
  if (!base && notes.length === 0)
    notes.push('Nothing to compare with was named: budgets of regressions are not checked.');
}

async function writeReports(
  report: CheckReport,
  { markdown, junit, sarif, annotations }: CheckOptions,
  output: Output,
) {
  if (markdown) await writeFile(markdown, toMarkdown(report));
  if (junit) await writeFile(junit, toJunit(report));
  if (sarif) await writeFile(sarif, toSarif(report));
  if (annotations) for (const line of toAnnotations(report)) output.note(line);
}

/** Keeps the run where it is asked for; by itself in a CI system. Answers its id. @throws ServiceError */
async function keep(client: Client, report: CheckReport, pipeline: Pipeline, asked?: boolean): Promise<string | null> {
  if (!(asked ?? pipeline.isContinuousIntegration)) return null;
  const { repository, branch, commit } = pipeline;
  if (!repository || !branch || !commit) {
    if (!asked) return null;
    const message = 'repository, branch or commit is not known, so that the run cannot be kept';
    throw new ServiceError({
      code: 'BAD_INPUT',
      message,
      where: '--record',
      remedy: 'Give --repository, --branch and --commit.',
    });
  }
  const { run, url, baseBranch } = pipeline;
  const { configuration, base, verdict } = report;
  const results = recordedResults(report.results);
  const input: RecordedRun = { repository, configuration, branch, baseBranch, commit, run, url, verdict, results };
  return record(client, { ...input, baseId: base?.checkId ?? undefined });
}

function recordedResults(results: readonly CheckResult[]): object[] {
  const changed = results.filter(({ kernelChanges }) => kernelChanges.length > 0).length;
  const most = Math.max(1, Math.min(RECORDED_CHANGES_OF_ONE, Math.floor(RECORDED_CHANGES / Math.max(1, changed))));
  return results.map(({ predictionId, verdict, budgets, base, change, kernelChanges }) => ({
    predictionId,
    verdict,
    budgetUs: budgets.find(({ kind }) => kind === 'latency')?.budget,
    budgetPercent: budgets.find(({ kind }) => kind === 'regression')?.budget,
    baseLatencyUs: base?.latencyUs,
    change,
    kernelChanges: kernelChanges.slice(0, most).map(({ reason, op, fused, ...rest }) => ({
      ...rest,
      fused: fused.slice(0, 50),
      op: op.slice(0, 300),
      reason: reason.slice(0, 300),
    })),
  }));
}
