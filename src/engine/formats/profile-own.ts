/**
 * Our own profile table: a row a measurement, of a kernel or of a whole network; docs/guides/profile-format.md describes
 * it to users. Read from a Table and written to one; files and their syntax are not known here.
 */
import { closest } from 'fastest-levenshtein';
import { FEATURE_NAMES, type FeatureName } from '../features';
import {
  HARNESS_FIELDS,
  type Harness,
  type KernelMeasurement,
  type NetworkMeasurement,
  type Profile,
  STATISTICS,
  type Statistic,
} from '../profile';
import {
  type Cell,
  CellReader,
  type CellRule,
  COUNT,
  MICROSECONDS,
  NAME,
  POSITIVE_MICROSECONDS,
  RATIO,
  SCENARIO,
  type Table,
} from './profile-cells';
import { ProblemList } from './profile-problems';

const REQUIRED_COLUMNS = ['network', 'scenario', 'latencyUs'] as const;
const KERNEL_COLUMNS = ['kernel', 'kind', 'fused'] as const;
const HARNESS_NAMES = Object.keys(HARNESS_FIELDS) as readonly (keyof Harness)[];
const COLUMNS: readonly string[] = [
  ...REQUIRED_COLUMNS,
  'deviationUs',
  ...KERNEL_COLUMNS,
  ...FEATURE_NAMES,
  ...HARNESS_NAMES,
];

/** Kinds of the benchmark (`convolution_2d`, `vulkan.conv2d_dw_3x3`, `aten::relu`) and of onnxruntime (`fused_conv`). */
const KIND: CellRule<string> = {
  expected: 'a kernel kind of letters, digits, `_`, `.`, `:` and `-`',
  accepts: (text) => /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$/.test(text),
};

const FUSED: CellRule<string> = {
  expected: "names of fused ops joined by '+', for example add+relu, or nothing",
  accepts: (text) => /^[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*$/.test(text),
};

const STATISTIC: CellRule<string> = {
  expected: `one of ${STATISTICS.join(', ')}`,
  accepts: (text) => (STATISTICS as readonly string[]).includes(text),
};

/** Features that are ratios; all others count something. */
const FRACTIONAL: ReadonlySet<FeatureName> = new Set([
  'arithmeticIntensity',
  'paddedMultiplyAccumulates',
  'roofline16',
  'roofline64',
]);

/** True if a header is meant for this format, whether it is complete or not. */
export function isOwnTable(table: Table): boolean {
  return REQUIRED_COLUMNS.some((name) => table.columns.includes(name));
}

/**
 * Reads a table in our own format.
 * @throws EngineError INVALID_PROFILE that lists the first 20 problems; then nothing is read at all
 */
export function profileFromOwnTable(table: Table): Profile {
  const problems = new ProblemList(table.unit);
  checkHeader(table, problems);
  if (problems.count === 0 && table.rows.length === 0) {
    problems.add(table.headerLine, null, null, 'at least one row of measurements');
  }
  // Without its columns nothing that could be said of the rows is worth reading.
  throwIfAny(problems);
  const profile = new OwnTableReader(table, problems).read();
  throwIfAny(problems);
  return profile;
}

function throwIfAny(problems: ProblemList): void {
  problems.throwIfAny(
    'INVALID_PROFILE',
    'profile table',
    'Correct the rows and send the whole file again; nothing of it was taken.',
  );
}

function checkHeader(table: Table, problems: ProblemList): void {
  const seen = new Set<string>();
  for (const name of table.columns) {
    if (!COLUMNS.includes(name)) {
      problems.add(table.headerLine, name, name, `the name of a known column; the nearest is ${nearestColumn(name)}`);
    } else if (seen.has(name)) {
      problems.add(table.headerLine, name, name, 'each column once');
    }
    seen.add(name);
  }
  for (const name of REQUIRED_COLUMNS) {
    if (!seen.has(name)) problems.add(table.headerLine, name, null, `a column ${name}`);
  }
}

/** The known column that a name was most likely meant to be; the case of its letters does not count. */
function nearestColumn(name: string): string {
  const lower = COLUMNS.map((column) => column.toLowerCase());
  return COLUMNS[lower.indexOf(closest(name.toLowerCase(), lower))]!;
}

class OwnTableReader {
  private readonly cells: CellReader;
  private readonly index: ReadonlyMap<string, number>;
  private readonly harnesses: Harness[] = [];
  private readonly harnessIndex = new Map<string, number>();
  /** From what must be unique to the line where it stands first. */
  private readonly lineOf = new Map<string, number>();

  constructor(
    private readonly table: Table,
    private readonly problems: ProblemList,
  ) {
    this.cells = new CellReader(table, problems);
    this.index = new Map(table.columns.map((name, column) => [name, column]));
  }

  read(): Profile {
    const networks: NetworkMeasurement[] = [];
    const kernels: KernelMeasurement[] = [];
    for (let row = 0; row < this.table.rows.length; row += 1) {
      const before = this.problems.count;
      const measurement = this.measurement(row);
      const kernel = this.isEndToEnd(row) ? undefined : this.kernel(row, measurement);
      if (this.problems.count > before) continue;
      this.refuseDuplicate(row, measurement, kernel);
      if (kernel === undefined) networks.push(measurement);
      else kernels.push(kernel);
    }
    return { harnesses: this.harnesses, networks, kernels };
  }

  /** A row that names neither kernel nor kind is of a whole network, and must then not describe a kernel either. */
  private isEndToEnd(row: number): boolean {
    return ['kernel', 'kind', 'fused', ...FEATURE_NAMES].every((name) => this.isEmpty(row, name));
  }

  /** What all rows have. Where a cell is wrong, its problem is listed and what stands here is not used. */
  private measurement(row: number): NetworkMeasurement {
    const deviationUs = this.number(row, 'deviationUs', MICROSECONDS);
    return {
      network: this.cells.requiredText(row, this.index.get('network')!, NAME) ?? '',
      scenario: this.cells.requiredText(row, this.index.get('scenario')!, SCENARIO) ?? '',
      latencyUs: this.cells.requiredNumber(row, this.index.get('latencyUs')!, POSITIVE_MICROSECONDS) ?? 0,
      ...(deviationUs === undefined ? {} : { deviationUs }),
      harness: this.harness(row),
    };
  }

  private kernel(row: number, measurement: NetworkMeasurement): KernelMeasurement {
    const features: Partial<Record<FeatureName, number>> = {};
    for (const name of FEATURE_NAMES) {
      const value = this.number(row, name, FRACTIONAL.has(name) ? RATIO : COUNT);
      if (value !== undefined) features[name] = value;
    }
    const kind = this.text(row, 'kind', KIND);
    if (this.isEmpty(row, 'kind')) {
      this.problems.add(this.table.lines[row]!, 'kind', null, `${KIND.expected}, because the row describes a kernel`);
    }
    return {
      ...measurement,
      kernel: this.text(row, 'kernel', NAME) ?? '',
      kind: kind ?? '',
      fused: this.text(row, 'fused', FUSED)?.split('+') ?? [],
      features,
    };
  }

  private harness(row: number): number {
    const harness: Record<string, string | number> = {};
    for (const name of HARNESS_NAMES) {
      const value = this.harnessValue(row, name);
      if (value !== undefined) harness[name] = value;
    }
    const key = JSON.stringify(harness);
    const known = this.harnessIndex.get(key);
    if (known !== undefined) return known;
    this.harnessIndex.set(key, this.harnesses.length);
    this.harnesses.push(harness as Harness);
    return this.harnesses.length - 1;
  }

  private harnessValue(row: number, name: keyof Harness): string | number | undefined {
    switch (HARNESS_FIELDS[name]) {
      case 'integer':
        return this.number(row, name, COUNT);
      case 'statistic':
        return this.text(row, name, STATISTIC) as Statistic | undefined;
      case 'text':
        return this.text(row, name, NAME);
    }
  }

  /** One harness measures a network once, and each of its named kernels once. Kernels without a name may be alike. */
  private refuseDuplicate(row: number, measurement: NetworkMeasurement, kernel: KernelMeasurement | undefined): void {
    if (kernel?.kernel === '') return;
    const { network, scenario, harness } = measurement;
    const key = JSON.stringify([network, scenario, harness, kernel?.kernel ?? null]);
    const first = this.lineOf.get(key);
    if (first === undefined) {
      this.lineOf.set(key, this.table.lines[row]!);
    } else if (kernel === undefined) {
      const expected = `one end-to-end row a network, scenario and harness; ${this.table.unit} ${first} is another`;
      this.problems.add(this.table.lines[row]!, 'network', network, expected);
    } else {
      const expected = `one row a kernel of a network, scenario and harness; ${this.table.unit} ${first} is another`;
      this.problems.add(this.table.lines[row]!, 'kernel', kernel.kernel, expected);
    }
  }

  private isEmpty(row: number, name: string): boolean {
    const column = this.index.get(name);
    return column === undefined || this.cells.isEmpty(row, column);
  }

  private text(row: number, name: string, rule: CellRule<string>): string | undefined {
    const column = this.index.get(name);
    return column === undefined ? undefined : this.cells.text(row, column, rule);
  }

  private number(row: number, name: string, rule: CellRule<number>): number | undefined {
    const column = this.index.get(name);
    return column === undefined ? undefined : this.cells.number(row, column, rule);
  }
}

/**
 * Writes a profile as a table in our own format: end-to-end rows first, then kernels, with the columns that have a value.
 * profileFromOwnTable reads the same profile back, except that harnesses are numbered anew in order of first use.
 */
export function ownTableFromProfile(profile: Profile): Table {
  const records = [...profile.networks, ...profile.kernels].map((measurement) => recordOf(measurement, profile));
  const used = new Set(records.flatMap((record) => [...record.keys()]));
  const columns = COLUMNS.filter((name) => used.has(name) || (REQUIRED_COLUMNS as readonly string[]).includes(name));
  return {
    columns,
    rows: records.map((record) => columns.map((name) => record.get(name) ?? null)),
    lines: records.map((_, index) => index + 1),
    unit: 'row',
    headerLine: null,
  };
}

function recordOf(measurement: NetworkMeasurement | KernelMeasurement, profile: Profile): Map<string, Cell> {
  const { network, scenario, latencyUs, deviationUs, harness } = measurement;
  const record = new Map<string, Cell>(Object.entries({ network, scenario, latencyUs }));
  if (deviationUs !== undefined) record.set('deviationUs', deviationUs);
  if ('kind' in measurement) {
    record.set('kernel', measurement.kernel || null).set('kind', measurement.kind);
    if (measurement.fused.length > 0) record.set('fused', measurement.fused.join('+'));
    for (const [name, value] of Object.entries(measurement.features)) record.set(name, value);
  }
  for (const [name, value] of Object.entries(profile.harnesses[harness] ?? {})) record.set(name, value);
  return record;
}
