/**
 * Commands about fusion rules: check a rule file, and learn rules from a profile. Neither needs a service.
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { parse, YAMLParseError } from 'yaml';
import {
  EngineError,
  explainFusions,
  type FusionReport,
  MAXIMUM_RULE_FILE_BYTES,
  parseRuleFile,
  planKernels,
  type RulePack,
  resolveRuntime,
  rulePackOf,
} from '../engine';
import { readProfile } from '../profiles';
import { readGraphs } from './files';
import { formatPercent, type Output } from './output';

/** Contradicted rules that are listed for people; --json has all. */
const LISTED_CONTRADICTIONS = 20;

export function addRulesCommands(program: Command, output: () => Output): void {
  const rules = program.command('rules').description("fusion rules: check a team's own, learn them from a profile");

  rules
    .command('check')
    .description('check a rule file; every problem is listed with its path')
    .argument('<file>', 'rule file (.json, .yaml)')
    .action(async (file: string) => {
      const { runtime, version, vanishing, fusions, chain } = await readRules(file);
      const counts = {
        vanishing: vanishing.length,
        fusions: fusions.length,
        chain: Object.keys(chain?.names ?? {}).length,
      };
      output().result(
        { file, runtime: `${runtime}@${version}`, ...counts },
        () =>
          `${file}: rules of ${runtime}@${version}, with those that it extends: ${counts.vanishing} ops vanish, ${counts.fusions} pairs fuse, ${counts.chain} ops chain`,
      );
    });

  rules
    .command('learn')
    .description('which rules a profile explains or contradicts, and which pairs of ops it shows to be fused')
    .argument('<dataset>', 'profile with kernel rows (.csv, .json, .jsonl, .parquet)')
    .requiredOption('--networks <folder>', 'folder of the network files that the profile names')
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .option('--runtime <runtime>', 'rules to hold the profile against; plain learns from nothing', 'plain')
    .option('--rules <file>', 'a rule file of your own instead')
    .option('--confidence <share>', 'least confidence of a proposal', Number, 0.5)
    .action(async (dataset: string, options: LearnOptions) => {
      const { kernels } = await readProfile(dataset);
      const rows = kernels.filter(({ scenario }) => scenario === options.scenario);
      if (rows.length === 0) {
        const known = [...new Set(kernels.map(({ scenario }) => scenario))].sort();
        throw new EngineError(
          'INSUFFICIENT_DATA',
          `${dataset} has no kernel row of scenario ${options.scenario}`,
          '--scenario',
          known.length > 0 ? `Scenarios in it: ${known.join(', ')}.` : 'It has no kernel rows at all.',
        );
      }
      const pack = options.rules ? await readRules(options.rules) : resolveRuntime(options.runtime).pack;
      const graphs = await readGraphs(options.networks, new Set(rows.map(({ network }) => network)));
      const plans = [...graphs.values()].map((graph) => planKernels(graph, pack));
      if (plans.length === 0) {
        throw new EngineError(
          'INSUFFICIENT_DATA',
          `${options.networks} has none of the networks that the rows are of`,
          '--networks',
          `The rows are of ${rows[0].network} and others: a network's name is that of its file without extension.`,
        );
      }
      const report = explainFusions(plans, pack, rows, { minimumConfidence: options.confidence });
      const measured = new Set(rows.map(({ network }) => network)).size;
      if (measured > report.networks) output().note(`${measured - report.networks} measured networks have no file.`);
      output().result({ scenario: options.scenario, runtime: `${pack.runtime}@${pack.version}`, ...report }, () =>
        showReport(output(), report),
      );
    });
}

interface LearnOptions {
  readonly networks: string;
  readonly scenario: string;
  readonly runtime: string;
  readonly rules?: string;
  readonly confidence: number;
}

/**
 * Reads a rule file, as YAML if it ends so, else as JSON.
 *
 * @throws EngineError MALFORMED_FILE or INVALID_RULES
 */
export async function readRules(file: string): Promise<RulePack> {
  const { size } = await stat(file);
  if (size > MAXIMUM_RULE_FILE_BYTES) {
    throw new EngineError(
      'INVALID_RULES',
      `${file} has ${size} bytes; expected at most ${MAXIMUM_RULE_FILE_BYTES}`,
      file,
      'Split the rules by runtime.',
    );
  }
  const text = await readFile(file, 'utf8');
  if (!['.yaml', '.yml'].includes(path.extname(file).toLowerCase())) return parseRuleFile(text);
  try {
    return rulePackOf(parse(text, { maxAliasCount: 100 }));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    throw new EngineError(
      'MALFORMED_FILE',
      `${file} is no YAML: ${(error as Error).message.split('\n')[0]}`,
      place ? `line ${place.line}, column ${place.col}` : file,
      'Correct the file; docs/guides/rules.md has an example.',
    );
  }
}

function showReport(output: Output, report: FusionReport): string {
  const { basis, networks, rows, matchedRows, ambiguous, unexplainedRows, silentKinds } = report;
  const parts = [
    `${rows} kernel rows of ${networks} networks, by ${basis}: ${matchedRows} are kernels of the plans, ${ambiguous} fit in several ways and count for nothing, ${unexplainedRows} fit nowhere`,
  ];
  if (silentKinds.length > 0) parts.push(`Rows of ${silentKinds.join(', ')} never name what was fused.`);
  if (report.explained.length > 0) {
    const head = ['explained', 'kernels', 'networks', 'reason', 'origin'];
    const cells = report.explained.map((rule) => [
      `${rule.first} + ${rule.next}`,
      String(rule.kernels),
      String(rule.networks.length),
      rule.reason,
      rule.origin,
    ]);
    parts.push(output.table(head, cells));
  }
  if (report.contradicted.length > 0) {
    const listed = report.contradicted.slice(0, LISTED_CONTRADICTIONS);
    const cells = listed.flatMap(({ rule, network, kernels }) => [
      [
        rule.next === null ? `kind of ${rule.first}` : `${rule.first} + ${rule.next}`,
        network,
        String(kernels.length),
        kernels[0].op,
        kernels[0].predicted,
        kernels[0].nearest.join(' or ') || '(none)',
      ],
    ]);
    parts.push(output.table(['contradicted', 'network', 'kernels', 'for example', 'predicted', 'measured'], cells));
    const more = report.contradicted.length - listed.length;
    if (more > 0) parts.push(`and ${more} more; --json has them all`);
  }
  for (const [title, proposals] of [
    ['proposed', report.proposals],
    ['too weak', report.weak],
  ] as const) {
    if (proposals.length === 0) continue;
    const cells = proposals.map(({ first, behind, next, support, against, confidence, networks: seen, evidence }) => [
      [first, ...behind].join(' + '),
      next,
      String(support),
      String(against),
      formatPercent(100 * confidence),
      String(seen.length),
      `${evidence[0].network}: ${evidence[0].kernel}`,
    ]);
    const head = [title, 'absorbs', 'for', 'against', 'confidence', 'networks', 'for example'];
    parts.push(output.table(head, cells));
  }
  return parts.join('\n\n');
}
