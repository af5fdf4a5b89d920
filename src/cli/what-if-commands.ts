/**
 * The command whatif: how a network's latency changes when something in it is another; with a predictor file on this
 * machine, or by a service.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import {
  answerWhatIf,
  type DimensionBindings,
  EngineError,
  loadPredictor,
  parseChange,
  parseSweep,
  stripNetwork,
  type WhatIf,
  type WhatIfPoint,
  type WhatIfQuestion,
} from '../engine';
import type { Client } from './client';
import { collectBinding, openNetwork, parseNetwork } from './files';
import { formatLatency, type Output } from './output';
import { connect } from './service-commands';

interface WhatIfOptions {
  readonly change: readonly string[];
  readonly sweep?: string;
  readonly scenario?: string;
  readonly version?: string;
  readonly predictor?: string;
  readonly bind: DimensionBindings;
}

export function addWhatIfCommand(program: Command, output: () => Output): void {
  program
    .command('whatif')
    .description('predict a network in which something is another, and say which kernels change and why')
    .argument('<file>', 'network file (.onnx, .tflite)')
    .option(
      '--change <target.property=value>',
      'conv1.channels=64, conv1.kernel=5, conv1.stride=2, conv1.groups=4, input.resolution=192, input.batch=4; may be repeated',
      (text: string, all: readonly string[]) => [...all, text],
      [],
    )
    .option('--sweep <target.property=first:last:step>', 'one value after the other, on top of the changes')
    .option('--scenario <scenario>', 'the version that a service uses for a scenario')
    .option('--version <id>', 'a certain version of a service')
    .addOption(new Option('--predictor <file.onnx>', 'what engine train wrote: no service is asked'))
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(async (file: string, options: WhatIfOptions) => {
      const { scenario, version, predictor } = options;
      const chosen = [scenario, version, predictor].filter((each) => each !== undefined).length;
      if (chosen !== 1) {
        throw new EngineError(
          'UNKNOWN_NAME',
          `${chosen} of --scenario, --version and --predictor are given`,
          '--scenario',
          'Give one: a scenario or a version of a service, or a predictor file.',
        );
      }
      const question = {
        changes: options.change.map(parseChange),
        ...(options.sweep !== undefined && { sweep: parseSweep(options.sweep) }),
      };
      const answer =
        predictor === undefined
          ? await askService(connect(), file, options, question)
          : await askPredictor(predictor, file, options.bind, question);
      output().result(answer, () => showWhatIf(output(), answer));
    });
}

async function askPredictor(
  file: string,
  network: string,
  bind: DimensionBindings,
  question: WhatIfQuestion,
): Promise<WhatIf> {
  const graph = parseNetwork(await openNetwork(network), bind);
  const predictor = await loadPredictor(await readFile(file));
  try {
    return await answerWhatIf(graph, question, predictor);
  } finally {
    await predictor.release();
  }
}

const PREDICTION =
  'latencyUs fixedUs interval { lowerUs upperUs level } coverage kernels { kind fused ops reason latencyUs coverage }';
const KERNEL = 'kind fused ops reason nearMiss';

async function askService(
  client: Client,
  file: string,
  { scenario, version, bind }: WhatIfOptions,
  { changes, sweep }: WhatIfQuestion,
): Promise<WhatIf> {
  const network = await openNetwork(file);
  parseNetwork(network, bind);
  const { id } = await client.pushNetwork(stripNetwork(network.bytes).bytes, path.basename(file), network.name, bind);
  const named = <T extends { readonly property: string }>(change: T) => ({
    ...change,
    property: change.property.toUpperCase(),
  });
  const input = {
    networkId: id,
    scenario,
    versionId: version,
    changes: changes.map(named),
    sweep: sweep && named(sweep),
  };
  const { whatIf } = await client.request<{ whatIf: WhatIf }>(
    `query ($input: WhatIfInput!) { whatIf(input: $input) { runtime before { ${PREDICTION} }
      points { value prediction { ${PREDICTION} } differenceUs differences { op type property before after }
        kernelChanges { before { ${KERNEL} } after { ${KERNEL} } } nearMisses { ${KERNEL} } refusal } } }`,
    { input },
  );
  // As the engine says it, and the command does with a file.
  const lowered = (difference: OpDifference) => ({
    ...difference,
    property: difference.property.toLowerCase() as OpDifference['property'],
  });
  return {
    ...whatIf,
    points: whatIf.points.map((point) => ({ ...point, differences: point.differences.map(lowered) })),
  };
}

type OpDifference = WhatIfPoint['differences'][number];

/** A line a value, and behind the table what changed and why. */
function showWhatIf(output: Output, { before, points }: WhatIf): string {
  const rows = points.map(({ value, prediction, differenceUs, kernelChanges }) => [
    value === null ? 'changed' : String(value),
    ...(prediction
      ? [
          formatLatency(prediction.latencyUs),
          `${differenceUs! < 0 ? '-' : '+'}${formatLatency(Math.abs(differenceUs!))}`,
          `${formatLatency(prediction.interval.lowerUs)} to ${formatLatency(prediction.interval.upperUs)}`,
        ]
      : ['cannot be', '', '']),
    kernelChanges.length > 0 ? `${kernelChanges.length} kernels change` : '',
  ]);
  const { latencyUs, interval } = before;
  const first = [
    'as it is',
    formatLatency(latencyUs),
    '',
    `${formatLatency(interval.lowerUs)} to ${formatLatency(interval.upperUs)}`,
    '',
  ];
  const table = output.table(['network', 'latency', 'difference', 'interval', ''], [first, ...rows]);
  return [table, ...points.map(explained).filter((text) => text !== '')].join('\n\n');
}

/** What else is different with a point, in lines. */
function explained({ value, differences, kernelChanges, nearMisses, refusal }: WhatIfPoint): string {
  const lines = [
    ...(refusal === null ? [] : [refusal]),
    // A sweep would say the same layers over and over.
    ...(value === null
      ? differences.map(
          ({ op, property, before, after }) => `${op}: ${property} ${before.join('x')} to ${after.join('x')}`,
        )
      : []),
    ...kernelChanges.map(({ before, after }) => {
      const kinds = (kernels: typeof before) =>
        kernels.map(({ kind, fused }) => [kind, ...fused].join('+')).join(', ') || 'nothing';
      const [{ ops }] = [...after, ...before];
      return `${ops[0]}: ${kinds(before)} becomes ${kinds(after)}: ${after.map(({ reason }) => reason).join('; ')}`;
    }),
    ...nearMisses.map(({ ops, kind, nearMiss }) => `${ops[0]}: ${kind}, nearly another: ${nearMiss}`),
  ];
  return value === null || lines.length === 0 ? lines.join('\n') : [`at ${value}:`, ...lines].join('\n  ');
}
