/**
 * npm run bench:accuracy [-- end-to-end|kernel-rows|families|small|new-device]: how good predictors are on the benchmark in ../shared,
 * beside the reference in the same run. The results go to bench/results, as JSON and as pictures (plots.py). It ends with a
 * sentence for each bar that is missed, and with a status other than 0 then.
 */
import path from 'node:path';
import type Piscina from 'piscina';
import { openPool, RESULTS } from './accuracy-data';
import { benchEndToEnd } from './accuracy-end-to-end';
import { benchFamilies } from './accuracy-families';
import { benchKernelRows } from './accuracy-kernel-rows';
import { benchNewDevice } from './accuracy-new-device';
import { benchSmall } from './accuracy-small';
import { python, ROOT, requireShared } from './peer';

const PARTS = new Map<string, (pool: Piscina) => Promise<string[]>>([
  ['end-to-end', benchEndToEnd],
  ['kernel-rows', benchKernelRows],
  ['families', benchFamilies],
  ['small', benchSmall],
  ['new-device', benchNewDevice],
]);

async function main(chosen: readonly string[]): Promise<void> {
  requireShared();
  const names = chosen.length > 0 ? chosen : [...PARTS.keys()];
  const unknown = names.find((name) => !PARTS.has(name));
  if (unknown !== undefined) throw new Error(`There is no part ${unknown}: ${[...PARTS.keys()].join(', ')}.`);
  const pool = openPool();
  const missed: string[] = [];
  for (const name of names) {
    const began = performance.now();
    missed.push(...(await PARTS.get(name)!(pool)));
    console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  await pool.close();
  await python(path.join(ROOT, 'bench/plots.py'), RESULTS);
  for (const sentence of missed) console.error(`missed: ${sentence}`);
  if (missed.length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
