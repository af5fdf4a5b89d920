/** Cross-validation: what a fold holds is never learned from, and a fit is a task that any thread can run. */

import { type FoldTask, heldRows, runFold, type SourceName } from '../../src/engine/cross-validation';
import { candidatesOf } from '../../src/engine/learner';
import { dealFolds } from '../../src/engine/metrics';
import { createRandom } from '../../src/engine/random';
import { gatherTrainingRows } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(12, 0.02, 3);
const rows = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs);
const names = rows.networks.map(({ name }) => name);
const folds = dealFolds(names, 5, createRandom(1));
const [lasso] = candidatesOf('lasso', 0, createRandom(1));

function task(source: SourceName, fold: number, changes: Partial<FoldTask> = {}): FoldTask {
  return { source, rows, folds, fold, candidate: lasso, permuted: false, seed: 1, ...changes };
}

/** The rows with the latencies of one fold's networks multiplied. */
function slowed(fold: number, factor: number): FoldTask['rows'] {
  const slow = (network: string, latencyUs: number) => (folds.get(network) === fold ? factor : 1) * latencyUs;
  return {
    ...rows,
    networks: rows.networks.map((network) => ({ ...network, latencyUs: slow(network.name, network.latencyUs!) })),
    kernels: rows.kernels.map((row) => ({ ...row, latencyUs: slow(row.network, row.latencyUs) })),
  };
}

describe.each<SourceName>(['kernel rows', 'end-to-end rows'])('folds of %s', (source) => {
  test('hold every network once, with a latency for each of its kernels', () => {
    const results = [0, 1, 2, 3, 4].map((fold) => runFold(task(source, fold)));
    const held = results.flatMap(({ networksUs }) => [...networksUs.keys()]);
    expect(held.sort()).toEqual([...names].sort());
    for (const { networksUs, fixedUs } of results) {
      for (const [name, latencies] of networksUs) {
        expect(latencies.length).toBe(rows.networks.find((network) => network.name === name)!.kernels.length);
        const sum = latencies.reduce((total, latency) => total + latency, fixedUs);
        // Within a factor of three of networks that it never saw, and above nothing.
        expect(sum / data.truth.get(name)!).toBeGreaterThan(0.3);
        expect(sum / data.truth.get(name)!).toBeLessThan(3);
      }
    }
  });

  test('are predicted by models that never saw them: their latencies change nothing, those of others do', () => {
    const once = runFold(task(source, 0));
    expect(runFold(task(source, 0, { rows: slowed(0, 10) }))).toEqual(once);
    expect(runFold(task(source, 0, { rows: slowed(1, 10) }))).not.toEqual(once);
  });

  test('are plain data: a copy of the task gives a copy of the result', () => {
    const once = runFold(task(source, 2));
    expect(structuredClone(runFold(structuredClone(task(source, 2))))).toEqual(once);
  });
});

test('every kernel row is held by one fold, and has one prediction there', () => {
  const held = [0, 1, 2, 3, 4].map((fold) => heldRows(task('kernel rows', fold)));
  expect(held.flat().sort((a, b) => a - b)).toEqual(rows.kernels.map((_, i) => i));
  held.forEach((positions, fold) => {
    expect(runFold(task('kernel rows', fold)).rowsUs.length).toBe(positions.length);
    expect(new Set(positions.map((i) => folds.get(rows.kernels[i].network)))).toEqual(new Set([fold]));
  });
  expect(runFold(task('end-to-end rows', 0)).rowsUs.length).toBe(0);
});
