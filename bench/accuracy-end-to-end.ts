/**
 * The accuracy bench from end-to-end rows and graphs alone: every scenario, 5-fold by network, beside
 * ../shared/reference/end_to_end_lasso.py on the same folds in the same run; and how well intervals made from the same
 * predictions keep what they promise. Results: accuracy-end-to-end.json and accuracy-intervals.json.
 */

import path from 'node:path';
import type Piscina from 'piscina';
import { parseScenario } from '../src/engine';
import { groupBy } from '../src/engine/grouping';
import { calibrate } from '../src/engine/intervals';
import { mean, quantile } from '../src/engine/metrics';
import { errorsOf, holdOut, readFolds, readScenarios, rounded, type ScenarioRows, saveResult } from './accuracy-data';
import type { Predictions, SplitsTask } from './accuracy-thread';
import { python, SHARED } from './peer';

/** Percent, and scenarios. */
const BARS = { mean: 4.5, worst: 11, better: 165, narrowest: 87, widest: 94 };

interface Row {
  readonly scenario: string;
  readonly networks: number;
  /** Percent, of the linear base with what a Gaussian process learns of the rest. */
  readonly mape: number;
  /** Percent, of the linear base alone. */
  readonly linearMape: number;
  readonly referenceMape: number;
}

/** @returns a sentence for each bar that is missed */
export async function benchEndToEnd(pool: Piscina): Promise<string[]> {
  const folds = await readFolds();
  const scenarios = await readScenarios();
  const splits = (networks: number) => holdOut(folds(networks));
  const predict = (learner: SplitsTask['learner']) =>
    Promise.all(
      scenarios.map(({ rows }): Promise<Predictions> => {
        const task: SplitsTask = { rows, splits: splits(rows.length), learner };
        return pool.run(task, { name: 'fitSplits' });
      }),
    );
  const [reference, predicted, linear] = await Promise.all([
    runReference(),
    predict('gaussianProcess'),
    predict('lasso'),
  ]);
  const mape = ({ rows }: ScenarioRows, predictions: Predictions) =>
    100 * mean(errorsOf(rows, splits(rows.length), predictions));
  const rows = scenarios.map((each, i): Row => {
    const { scenario } = each;
    return {
      scenario,
      networks: each.rows.length,
      mape: rounded(mape(each, predicted[i])),
      linearMape: rounded(mape(each, linear[i])),
      referenceMape: reference.get(scenario)!,
    };
  });
  const all = summarize(rows);
  const summary = { all, ...groups(rows) };
  console.table(summary);
  await saveResult('end-to-end', { summary, scenarios: rows });

  const intervals = calibration(scenarios, predicted, folds);
  console.table(intervals);
  await saveResult('intervals', { scenarios: scenarios.length, levels: intervals });
  return [...missedErrors(all), ...missedIntervals(intervals)];
}

/** MAPE of each scenario in percent, as the reference prints it with --all. */
async function runReference(): Promise<Map<string, number>> {
  const text = await python(path.join(SHARED, 'reference/end_to_end_lasso.py'), '--all');
  const rows = [...text.matchAll(/^\d+\s+(tflite|torch)\s+(\S+)\s+([\d.]+)\s/gm)];
  return new Map(
    rows.map(([, framework, column, mape]) => [`${framework}/${column.replaceAll('|', '/')}`, Number(mape)]),
  );
}

function summarize(rows: readonly Row[]) {
  return {
    scenarios: rows.length,
    mean: rounded(mean(rows.map(({ mape }) => mape))),
    worst: Math.max(...rows.map(({ mape }) => mape)),
    linearMean: rounded(mean(rows.map(({ linearMape }) => linearMape))),
    linearWorst: Math.max(...rows.map(({ linearMape }) => linearMape)),
    referenceMean: rounded(mean(rows.map(({ referenceMape }) => referenceMape))),
    referenceWorst: Math.max(...rows.map(({ referenceMape }) => referenceMape)),
    better: rows.filter(({ mape, referenceMape }) => mape < referenceMape).length,
    linearBetter: rows.filter(({ linearMape, referenceMape }) => linearMape < referenceMape).length,
  };
}

/** By framework and number type, GPUs apart. */
function groups(rows: readonly Row[]): Record<string, ReturnType<typeof summarize>> {
  const byGroup = groupBy(rows, ({ scenario }) => {
    const { runtime, processor, type } = parseScenario(scenario);
    return `${runtime} ${processor === 'gpu' ? 'gpu' : type}`;
  });
  return Object.fromEntries([...byGroup].sort().map(([group, members]) => [group, summarize(members)]));
}

interface LevelCalibration {
  /** Percent that intervals promise. */
  readonly level: number;
  /** Percent of held networks that they hold, the mean over the scenarios. */
  readonly covered: number;
  /** Percent, upper over lower end less 1, the median over the scenarios. */
  readonly medianRelativeWidth: number;
}

/** Intervals of each fold come from the errors on the others. */
function calibration(
  scenarios: readonly ScenarioRows[],
  predicted: readonly Predictions[],
  folds: (networks: number) => number[][],
): LevelCalibration[] {
  const each = scenarios.map(({ rows }, i) => {
    const held = folds(rows.length);
    const measuredUs = held.flat().map((row) => rows[row].latencyUs);
    const foldOf = held.flatMap((positions, fold) => positions.map(() => fold));
    return calibrate(predicted[i].flat(), measuredUs, foldOf);
  });
  return each[0].map(({ level }, at) => ({
    level: 100 * level,
    covered: rounded(100 * mean(each.map((levels) => levels[at].covered))),
    medianRelativeWidth: rounded(
      100 *
        quantile(
          each.map((levels) => levels[at].relativeWidth),
          0.5,
        ),
    ),
  }));
}

function missedErrors({ mean, worst, better }: ReturnType<typeof summarize>): string[] {
  const missed: string[] = [];
  if (!(mean <= BARS.mean)) missed.push(`end-to-end rows: the mean error is ${mean} %, above ${BARS.mean} %`);
  if (!(worst <= BARS.worst)) missed.push(`end-to-end rows: the worst scenario has ${worst} %, above ${BARS.worst} %`);
  if (!(better >= BARS.better))
    missed.push(`end-to-end rows: better than the reference on ${better} scenarios, not on ${BARS.better}`);
  return missed;
}

function missedIntervals(levels: readonly LevelCalibration[]): string[] {
  const { covered } = levels.find(({ level }) => level === 90)!;
  if (covered >= BARS.narrowest && covered <= BARS.widest) return [];
  return [`intervals: those of 90 % hold ${covered} % of networks, not ${BARS.narrowest} to ${BARS.widest} %`];
}
