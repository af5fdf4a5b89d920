/**
 * npm run bench:load [-- PART] [-- short]: the service under load on this machine; without a part all of them.
 *   requests: predictions through GraphQL while a training runs (load-requests.ts)
 *   rows: lists and details among a million predictions (load-rows.ts)
 * Result: bench/results/load-PART.json. `short` tries everything once and writes nothing. It ends with a status other than
 * 0 if a request failed, or, unless short, if a bar is missed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RESULTS } from './accuracy-data';
import { loadRequests } from './load-requests';
import { loadRows } from './load-rows';
import { requireShared } from './peer';

const PARTS = { requests: loadRequests, rows: loadRows };

async function main(parameters: readonly string[]): Promise<void> {
  requireShared();
  const short = parameters.includes('short');
  const wanted = parameters.filter((each) => each !== 'short');
  const unknown = wanted.find((each) => !(each in PARTS));
  if (unknown) throw new Error(`${unknown} is no part; expected ${Object.keys(PARTS).join(', ')} or short.`);
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const { result, missed } = await part(short ? 'short' : 'full');
    process.stdout.write(`${name}: ${JSON.stringify(result, null, 1)}\n`);
    for (const each of missed) process.stdout.write(`missed: ${each}\n`);
    if (short) continue;
    await mkdir(RESULTS, { recursive: true });
    await writeFile(path.join(RESULTS, `load-${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
    if (missed.length > 0) process.exitCode = 1;
  }
}

void main(process.argv.slice(2));
