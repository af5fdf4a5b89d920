/** Reads a profile from any table that is known here: which format it is in is decided by its header alone. */
import { EngineError } from '../errors';
import type { Profile } from '../profile';
import { isBenchmarkTable, profileFromBenchmarkTable } from './profile-benchmark';
import type { Table } from './profile-cells';
import { isOwnTable, profileFromOwnTable } from './profile-own';

/**
 * Reads a table in our own format or in one of the two of mobile-ml-benchmark.
 * @throws EngineError UNSUPPORTED_FORMAT if the header is of none of them; INVALID_PROFILE with up to 20 problems if any
 *   row or column is not what its format says, and then nothing is read at all
 */
export function profileFromTable(table: Table): Profile {
  // Ours first: a broken header of ours must be told as such.
  if (isOwnTable(table)) return profileFromOwnTable(table);
  if (isBenchmarkTable(table)) return profileFromBenchmarkTable(table);
  throw new EngineError(
    'UNSUPPORTED_FORMAT',
    `The columns ${table.columns
      .slice(0, 8)
      .map((name) => JSON.stringify(name))
      .join(', ')}${table.columns.length > 8 ? ', ...' : ''} are not those of a profile.`,
    table.headerLine === null ? 'header' : `line ${table.headerLine}`,
    'Send one of: our own table (network, scenario, latencyUs, ...); end-to-end latencies of mobile-ml-benchmark ' +
      '(model, FLOPS or flops, size, device|processor|type|mean, ...); its per-kernel latencies (model, operation, ' +
      'feature, device|gpu|float, device|gpu|kernel, ...); a profile that onnxruntime wrote (JSON).',
  );
}
