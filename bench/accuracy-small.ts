/**
 * The accuracy bench on small profiling data: 10 and 30 measured networks of each TFLite CPU scenario, from end-to-end rows.
 * In each of five draws a fifth of the networks is held out (the reference's folds) and the training ones are drawn from the
 * rest. Every sixth scenario has one of the draws, in turn, the same for every learner: `auto` is a whole training with a
 * cross-validation of all learners inside, and five of them for each scenario would take hours. Result: accuracy-small.json.
 */
import type Piscina from 'piscina';
import { createRandom, type Learner, parseScenario } from '../src/engine';
import { mean, quantile } from '../src/engine/metrics';
import { shuffle } from '../src/engine/random';
import { errorsOf, readFolds, readScenarios, rounded, type ScenarioRows, saveResult } from './accuracy-data';
import type { Predictions, Split, SplitsTask } from './accuracy-thread';

/** Percent. */
const BAR = 7.5;
const SIZES = [10, 30] as const;
const LEARNERS: readonly Learner[] = ['lasso', 'forest', 'boosting', 'perceptron', 'gaussianProcess', 'auto'];
const DRAWS = 5;
/** Of so many scenarios, one is measured. */
const EVERY = 6;

interface Point {
  readonly learner: Learner;
  readonly training: number;
  readonly scenarios: number;
  /** Percent, over the scenarios. */
  readonly mean: number;
  readonly median: number;
  readonly worst: number;
}

/** @returns a sentence for each bar that is missed */
export async function benchSmall(pool: Piscina): Promise<string[]> {
  const folds = await readFolds();
  const scenarios = (await readScenarios())
    .filter(({ scenario }) => isTfliteCpu(scenario))
    .filter((_, i) => i % EVERY === 0);
  const tasks = SIZES.flatMap((size) => LEARNERS.map((learner) => measure(pool, learner, size, scenarios, folds)));
  const points = await Promise.all(tasks);
  console.table(points);
  await saveResult('small', { points });
  const auto = points.find(({ learner, training }) => learner === 'auto' && training === 30)!;
  return auto.mean <= BAR ? [] : [`small data: auto with 30 networks has ${auto.mean} %, above ${BAR} %`];
}

function isTfliteCpu(scenario: string): boolean {
  const { runtime, processor } = parseScenario(scenario);
  return runtime === 'tflite' && processor !== 'gpu';
}

async function measure(
  pool: Piscina,
  learner: Learner,
  size: number,
  scenarios: readonly ScenarioRows[],
  folds: (networks: number) => number[][],
): Promise<Point> {
  const mapes = await Promise.all(
    scenarios.map(async ({ rows }, i) => {
      const splits = [drawSplit(folds(rows.length), i % DRAWS, size)];
      const task: SplitsTask = { rows, splits, learner };
      const predicted: Predictions = await pool.run(task, { name: learner === 'auto' ? 'trainSplits' : 'fitSplits' });
      return 100 * mean(errorsOf(rows, splits, predicted));
    }),
  );
  return {
    learner,
    training: size,
    scenarios: scenarios.length,
    mean: rounded(mean(mapes)),
    median: rounded(quantile(mapes, 0.5)),
    worst: rounded(Math.max(...mapes)),
  };
}

/** Holds one fold out; a larger size has the same networks and more. */
function drawSplit(folds: readonly (readonly number[])[], draw: number, size: number): Split {
  const random = createRandom(draw);
  const rest = shuffle(folds.filter((_, fold) => fold !== draw).flat(), random);
  return { training: rest.slice(0, size), held: folds[draw] };
}
