/**
 * Commands that need no service: plan, strip, profile, engine train, engine predict.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type Command, Option } from 'commander';
import {
  type DimensionBindings,
  EngineError,
  featurize,
  LEARNERS,
  type Learner,
  loadPredictor,
  planKernels,
  RUNTIMES,
  stripNetwork,
  trainPredictor,
  withGpu,
} from '../engine';
import { FoldThreads } from '../fold-threads';
import { readProfile } from '../profiles';
import { collectBinding, inFile, networkPaths, openNetwork, parseNetwork, readGraphs } from './files';
import type { Output } from './output';
import { searchedSettings } from './parameters';
import { addProfileCommand } from './profile/command';
import { readRules } from './rules-commands';
import { showPredictions } from './show';
import { showReport } from './show-report';

/** The compiled program of threads. Where sources are compiled as they load it is not there: then folds run in this thread. */
const ENGINE_THREAD = path.join(__dirname, '../engine-thread.js');

interface PlanOptions {
  readonly runtime?: string;
  readonly gpu?: string;
  readonly rules?: string;
  readonly bind: DimensionBindings;
}

export function addEngineCommands(program: Command, output: () => Output): void {
  program
    .command('plan')
    .description('parse a network and show the kernels that a runtime launches for it')
    .argument('<file>', 'network file (.onnx, .tflite)')
    .option('--runtime <runtime>', `rule pack: ${RUNTIMES.join(', ')}; @version may follow`)
    .option('--gpu <gpu>', 'GPU of a runtime whose rules depend on it, for example adreno-640')
    .option('--rules <file>', 'a rule file of your own instead (.json, .yaml)')
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(async (file: string, { runtime, gpu, rules, bind }: PlanOptions) => {
      if ((runtime === undefined) === (rules === undefined)) {
        throw new EngineError(
          'UNKNOWN_NAME',
          runtime === undefined ? 'no runtime is named' : 'both --runtime and --rules are given',
          '--runtime',
          `Give one of --runtime (${RUNTIMES.join(', ')}) and --rules (a rule file).`,
        );
      }
      const graph = parseNetwork(await openNetwork(file), bind);
      const plan = planKernels(graph, rules === undefined ? withGpu(runtime!, gpu) : await readRules(rules));
      const features = featurize(plan);
      const kernels = plan.kernels.map(({ kind, fused, ops, reason, nearMiss }, i) => ({
        kind,
        fused,
        ops,
        reason,
        nearMiss,
        features: features[i],
      }));
      output().result({ network: plan.network, runtime: plan.runtime, kernels, unsupported: plan.unsupported }, () =>
        output().table(
          ['kernel', 'fused', 'ops', 'reason'],
          kernels.map(({ kind, fused, ops, reason, nearMiss }) => [
            kind,
            fused.join('+'),
            ops.join(' '),
            nearMiss ? `${reason} (${nearMiss})` : reason,
          ]),
        ),
      );
    });

  program
    .command('strip')
    .description('copy a network without its weights')
    .argument('<file>', 'network file (.onnx, .tflite)')
    .requiredOption('-o, --output <file>', 'where the copy goes')
    .action(async (file: string, { output: target }: { output: string }) => {
      const network = await openNetwork(file);
      const { bytes, stripped, kept } = inFile(file, () => stripNetwork(network.bytes));
      await writeFile(target, bytes, { flag: 'wx' });
      const result = { file: target, bytesBefore: network.bytes.length, bytes: bytes.length, stripped, kept };
      output().result(
        result,
        () =>
          `${target}: ${bytes.length} of ${network.bytes.length} bytes; ${stripped} weights left out, ${kept} small constants stayed`,
      );
    });

  addProfileCommand(program, output);

  const engine = program.command('engine').description('the engine alone, from files, without a service');

  engine
    .command('train')
    .description('train one scenario from files to one ONNX file; the report goes to standard output')
    .argument('<datasets...>', 'profiles (.csv, .json, .jsonl, .parquet)')
    .requiredOption('--networks <folder>', 'folder of the network files that the profiles name')
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .addOption(new Option('--learner <learner>', 'what learns').choices(LEARNERS).default('auto'))
    .option('--search <settings>', 'settings to draw and try for each learner, 0 to 32', searchedSettings, 0)
    .option('--gpu <gpu>', "the device's GPU, where the runtime's rules need it and the device is not a known one")
    .option('--seed <number>', 'seeds every random choice', Number, 1)
    .requiredOption('-o, --output <file.onnx>', 'where the predictor goes')
    .action(
      async (
        datasets: string[],
        options: {
          networks: string;
          scenario: string;
          learner: Learner;
          search: number;
          gpu?: string;
          seed: number;
          output: string;
        },
      ) => {
        const profiles = await Promise.all(
          datasets.map(async (file) => ({
            sha256: createHash('sha256')
              .update(await readFile(file))
              .digest('hex'),
            profile: await readProfile(file),
          })),
        );
        const named = new Set(
          profiles.flatMap(({ profile }) => [...profile.networks, ...profile.kernels].map(({ network }) => network)),
        );
        const graphs = await readGraphs(options.networks, named);
        const progress = output().progress('training', 100);
        const folds = existsSync(ENGINE_THREAD) ? new FoldThreads(ENGINE_THREAD, availableParallelism()) : undefined;
        try {
          const { onnx, report } = await trainPredictor({
            ...options,
            searched: options.search,
            profiles,
            graphs,
            runFold: folds?.runner(),
            onProgress: ({ fraction }) => progress.update(100 * fraction),
          });
          progress.stop();
          await writeFile(options.output, onnx);
          output().result(report, () => `${options.output}: ${showReport(output(), report)}`);
        } finally {
          progress.stop();
          await folds?.stop();
        }
      },
    );

  engine
    .command('predict')
    .description('predict networks with an exported predictor')
    .argument('<predictor.onnx>', 'what engine train wrote')
    .argument('<networks...>', 'network files, or folders of them')
    .option('--level <share>', 'coverage of the intervals', Number, 0.9)
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(async (file: string, given: string[], { level, bind }: { level: number; bind: DimensionBindings }) => {
      const predictor = await loadPredictor(await readFile(file));
      try {
        const graphs = [];
        for (const each of await networkPaths(given)) graphs.push(parseNetwork(await openNetwork(each), bind));
        const predictions = await predictor.predict(graphs, { level });
        output().result(predictions, () => showPredictions(output(), predictions));
      } finally {
        await predictor.release();
      }
    });
}
