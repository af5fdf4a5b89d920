/**
 * The CSV files of mobile-ml-benchmark (github.com/qed-usc/mobile-ml-benchmark): which of them a table is, and the
 * end-to-end ones. The per-kernel ones are in profile-benchmark-kernels.ts.
 */
import type { NetworkMeasurement, Profile } from '../profile';
import { formatScenario, isScenario } from '../profile';
import { profileFromKernelTable } from './profile-benchmark-kernels';
import { CellReader, MICROSECONDS, NAME, POSITIVE_MICROSECONDS, type Table } from './profile-cells';
import { ProblemList } from './profile-problems';

/** True if a header is of the benchmark: it begins with `model`, and has columns of a device. */
export function isBenchmarkTable(table: Table): boolean {
  return table.columns.includes('model') && table.columns.some((name) => name.includes('|'));
}

/**
 * Reads an end-to-end or a per-kernel table of the benchmark.
 * @throws EngineError INVALID_PROFILE that lists the first 20 problems; then nothing is read at all
 */
export function profileFromBenchmarkTable(table: Table): Profile {
  const problems = new ProblemList(table.unit);
  const isKernelTable = table.columns.includes('operation') || table.columns.includes('feature');
  const profile = isKernelTable ? profileFromKernelTable(table, problems) : profileFromEndToEndTable(table, problems);
  if (problems.count === 0 && profile.networks.length + profile.kernels.length === 0) {
    problems.add(table.headerLine, null, null, 'at least one measured latency');
  }
  const remedy = 'Send the file as mobile-ml-benchmark publishes it, or use our own table; nothing of it was taken.';
  problems.throwIfAny('INVALID_PROFILE', 'mobile-ml-benchmark table', remedy);
  return profile;
}

/** A scenario's two columns; -1 where there is none. */
interface ScenarioColumns {
  readonly scenario: string;
  mean: number;
  std: number;
}

/**
 * A row a network, two columns a scenario. An empty cell says that the network did not run there.
 * The file does not say which framework it is of, except by the case of one column: the tool behind the TFLite files
 * writes FLOPS, the one behind the torch files flops (in all four published files, and likewise inside `feature`).
 */
function profileFromEndToEndTable(table: Table, problems: ProblemList): Profile {
  const scenarios = readHeader(table, problems);
  if (problems.count > 0) return { harnesses: [], networks: [], kernels: [] };
  const cells = new CellReader(table, problems);
  const model = table.columns.indexOf('model');
  const networks: NetworkMeasurement[] = [];
  const rowOf = new Map<string, number>();
  for (let row = 0; row < table.rows.length; row += 1) {
    const network = cells.requiredText(row, model, NAME) ?? '';
    const first = rowOf.get(network);
    if (first !== undefined)
      cells.refuse(row, model, `one row a network; ${table.unit} ${table.lines[first]} is another`);
    rowOf.set(network, row);
    for (const { scenario, mean, std } of scenarios) {
      const latencyUs = cells.number(row, mean, POSITIVE_MICROSECONDS);
      const deviationUs = std < 0 ? undefined : cells.number(row, std, MICROSECONDS);
      if (latencyUs !== undefined) {
        networks.push({
          network,
          scenario,
          latencyUs,
          ...(deviationUs === undefined ? {} : { deviationUs }),
          harness: 0,
        });
      } else if (deviationUs !== undefined && cells.isEmpty(row, mean)) {
        cells.refuse(row, mean, `${POSITIVE_MICROSECONDS.expected}, because there is a standard deviation`);
      }
    }
  }
  return { harnesses: [{ statistic: 'mean' }], networks, kernels: [] };
}

function readHeader(table: Table, problems: ProblemList): readonly ScenarioColumns[] {
  const scenarios = new Map<string, ScenarioColumns>();
  const framework = endToEndFramework(table, problems);
  table.columns.forEach((name, column) => {
    if (table.columns.indexOf(name) < column) problems.add(table.headerLine, name, name, 'each column once');
    if (['model', 'FLOPS', 'flops', 'size'].includes(name)) return;
    const [device = '', processor = '', type = '', statistic = '', ...surplus] = name.split('|');
    const valid = isScenario(`any/${device}/${processor}/${type}`) && surplus.length === 0;
    if (!valid || (statistic !== 'mean' && statistic !== 'std')) {
      problems.add(table.headerLine, name, name, 'model, FLOPS, flops, size, or device|processor|type|mean or |std');
      return;
    }
    const scenario = formatScenario({ runtime: framework, device, processor, type });
    const columns = scenarios.get(scenario) ?? { scenario, mean: -1, std: -1 };
    columns[statistic] = column;
    scenarios.set(scenario, columns);
  });
  for (const { mean, std } of scenarios.values()) {
    if (mean < 0) problems.add(table.headerLine, table.columns[std]!, table.columns[std], 'a column |mean beside it');
  }
  return [...scenarios.values()];
}

function endToEndFramework(table: Table, problems: ProblemList): 'tflite' | 'torch' {
  const upper = table.columns.includes('FLOPS');
  if (upper === table.columns.includes('flops')) {
    const expected =
      'either a column FLOPS (TensorFlow Lite) or a column flops (PyTorch Mobile), which tells the framework';
    problems.add(table.headerLine, upper ? 'flops' : 'FLOPS', upper ? 'flops' : null, expected);
  }
  return upper ? 'tflite' : 'torch';
}
