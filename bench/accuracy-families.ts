/**
 * The accuracy bench on networks of families that training never saw: every scenario from end-to-end rows, each family in turn
 * left out, beside the random folds of accuracy-end-to-end.json, which npm run bench:accuracy makes just before. A network's
 * family is the letters of its name before the first digit or underscore. Result: accuracy-families.json; there is no bar.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type Piscina from 'piscina';
import { groupBy } from '../src/engine/grouping';
import { mean } from '../src/engine/metrics';
import { errorsOf, holdOut, RESULTS, readScenarios, rounded, saveResult } from './accuracy-data';
import type { Predictions, SplitsTask } from './accuracy-thread';

const LEARNERS = ['lasso', 'gaussianProcess'] as const;

export async function benchFamilies(pool: Piscina): Promise<string[]> {
  const scenarios = await readScenarios();
  const errors = await Promise.all(
    scenarios.map(async ({ scenario, rows }) => {
      const families = groupBy([...rows.keys()], (i) => familyOf(rows[i].network));
      const splits = holdOut([...families.values()]);
      const names = splits.flatMap(({ held }) => held.map((i) => familyOf(rows[i].network)));
      const [linear, process] = await Promise.all(
        LEARNERS.map(async (learner) => {
          const task: SplitsTask = { rows, splits, learner };
          const predicted: Predictions = await pool.run(task, { name: 'fitSplits' });
          return errorsOf(rows, splits, predicted);
        }),
      );
      return { scenario, names, linear, process };
    }),
  );
  const percent = (values: readonly number[]) => rounded(100 * mean(values));
  const rows = errors.map(({ scenario, linear, process }) => ({
    scenario,
    linearMape: percent(linear),
    mape: percent(process),
  }));
  const pooled = errors.flatMap(({ names, linear, process }) =>
    names.map((family, i) => ({ family, linear: linear[i], process: process[i] })),
  );
  const families = [...groupBy(pooled, ({ family }) => family)].map(([family, ofFamily]) => ({
    family,
    predictions: ofFamily.length,
    linearMape: percent(ofFamily.map(({ linear }) => linear)),
    mape: percent(ofFamily.map(({ process }) => process)),
  }));
  families.sort((a, b) => b.mape - a.mape);
  const random = JSON.parse(readFileSync(path.join(RESULTS, 'accuracy-end-to-end.json'), 'utf8')).summary.all;
  const summary = {
    'random folds': { linearMean: random.linearMean, mean: random.mean, worst: random.worst },
    'one family left out': {
      linearMean: rounded(mean(rows.map(({ linearMape }) => linearMape))),
      mean: rounded(mean(rows.map(({ mape }) => mape))),
      worst: Math.max(...rows.map(({ mape }) => mape)),
    },
  };
  console.table(summary);
  console.table(families);
  await saveResult('families', { summary, families, scenarios: rows });
  return [];
}

function familyOf(network: string): string {
  return /^[a-z]+/i.exec(network)![0].toLowerCase();
}
