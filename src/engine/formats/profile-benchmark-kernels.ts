/**
 * The per-kernel CSV files of mobile-ml-benchmark: a row an operation of a network, two columns a device (its latency
 * and the name of the kernel that ran). What a row's features mean is in profile-benchmark-features.ts.
 */
import { groupBy } from '../grouping';
import { formatScenario, isScenario, type KernelMeasurement, type Profile } from '../profile';
import {
  type FeatureCell,
  type Features,
  imageSizes,
  mergeDepthwisePointwise,
  type OperationRule,
  TFLITE_KEYS,
  TFLITE_OPERATION_NAMES,
  tfliteRule,
} from './profile-benchmark-features';
import { DEPTHWISE_POINTWISE, tfliteKernel, torchKernel } from './profile-benchmark-names';
import { TORCH_KEYS, TORCH_OPERATIONS } from './profile-benchmark-torch';
import { CellReader, NAME, POSITIVE_MICROSECONDS, parseDecimal, type Table } from './profile-cells';
import type { ProblemList } from './profile-problems';
import { PythonLiteralError, parsePythonDict } from './profile-python-literal';

type Framework = 'tflite' | 'torch';

interface DeviceColumns {
  readonly scenario: string;
  readonly latency: number;
  readonly kernel: number;
}

/** A row whose own cells are as they should be. */
interface OperationRow {
  readonly row: number;
  readonly network: string;
  readonly operation: string;
  readonly cell: FeatureCell;
}

/**
 * Reads a per-kernel table. Its harness is unknown: the file does not say how the kernels were timed.
 * @param problems takes what is wrong; the profile is to be used only if nothing is
 */
export function profileFromKernelTable(table: Table, problems: ProblemList): Profile {
  const nothing: Profile = { harnesses: [], networks: [], kernels: [] };
  const framework = kernelFramework(table, problems);
  if (framework === undefined) return nothing;
  const devices = readHeader(table, framework, problems);
  if (problems.count > 0) return nothing;
  return { harnesses: [{}], networks: [], kernels: new KernelTableReader(table, framework, devices, problems).read() };
}

/**
 * The file does not name its framework, except by the spelling of its rows: TFLite's operations are upper case with keys
 * such as Input_shape, torch's are `namespace::name` with keys such as input_shape. The first row decides; a later row
 * of the other framework is then refused as an unknown operation.
 */
function kernelFramework(table: Table, problems: ProblemList): Framework | undefined {
  for (const name of ['operation', 'feature']) {
    if (!table.columns.includes(name)) problems.add(table.headerLine, name, null, `a column ${name}`);
  }
  if (problems.count > 0 || table.rows.length === 0) return undefined;
  const operation = String(table.rows[0]![table.columns.indexOf('operation')] ?? '');
  return operation.includes('::') ? 'torch' : 'tflite';
}

function readHeader(table: Table, runtime: Framework, problems: ProblemList): readonly DeviceColumns[] {
  const { columns, headerLine } = table;
  const devices: DeviceColumns[] = [];
  columns.forEach((name, column) => {
    if (columns.indexOf(name) < column) problems.add(headerLine, name, name, 'each column once');
    if (['model', 'operation', 'feature'].includes(name)) return;
    const [device = '', processor = '', type = '', ...surplus] = name.split('|');
    if (surplus.length > 0 || !isScenario(`${runtime}/${device}/${processor}/${type}`)) {
      problems.add(headerLine, name, name, 'model, operation, feature, device|gpu|type or device|gpu|kernel');
    } else if (type === 'kernel') {
      const hasLatency = columns.some((other) => other !== name && other.startsWith(`${device}|${processor}|`));
      if (!hasLatency)
        problems.add(headerLine, name, name, `a column of latencies such as ${device}|${processor}|float`);
    } else {
      const kernel = columns.indexOf(`${device}|${processor}|kernel`);
      if (kernel < 0) problems.add(headerLine, name, name, `a column ${device}|${processor}|kernel beside it`);
      devices.push({ scenario: formatScenario({ runtime, device, processor, type }), latency: column, kernel });
    }
  });
  return devices;
}

class KernelTableReader {
  private readonly cells: CellReader;
  private readonly kernels: KernelMeasurement[] = [];
  /** By network, scenario and kernel name: where the kernel stands in `kernels`, and the rows it was read from. */
  private readonly known = new Map<string, { readonly index: number; readonly rows: number[] }>();

  constructor(
    private readonly table: Table,
    private readonly framework: Framework,
    private readonly devices: readonly DeviceColumns[],
    private readonly problems: ProblemList,
  ) {
    this.cells = new CellReader(table, problems);
  }

  read(): readonly KernelMeasurement[] {
    const rows = this.readRows();
    const ofNetwork = groupBy(rows, ({ network }) => network);
    const sizesOf = new Map(
      [...ofNetwork].map(([network, members]) => [network, imageSizes(members.map(({ cell }) => cell))]),
    );
    for (const row of rows) {
      const featuresOf = new Map<string, Features | undefined>();
      for (const device of this.devices) this.readDevice(row, sizesOf.get(row.network)!, featuresOf, device);
    }
    this.refuseHalves();
    return this.kernels;
  }

  private readRows(): readonly OperationRow[] {
    const model = this.table.columns.indexOf('model');
    const operationColumn = this.table.columns.indexOf('operation');
    const rows: OperationRow[] = [];
    for (let row = 0; row < this.table.rows.length; row += 1) {
      const network = this.cells.requiredText(row, model, NAME);
      const operation = this.cells.requiredText(row, operationColumn, NAME);
      const cell = this.featureCell(row);
      if (network === undefined || operation === undefined || cell === undefined) continue;
      if (this.rule(operation, '') === undefined) {
        const known = this.framework === 'tflite' ? TFLITE_OPERATION_NAMES : Object.keys(TORCH_OPERATIONS);
        this.cells.refuse(row, operationColumn, `one of ${known.join(', ')}`);
      } else {
        rows.push({ row, network, operation, cell });
      }
    }
    return rows;
  }

  private rule(operation: string, kind: string): OperationRule | undefined {
    return this.framework === 'tflite' ? tfliteRule(operation, kind) : TORCH_OPERATIONS[operation];
  }

  private featureCell(row: number): FeatureCell | undefined {
    const column = this.table.columns.indexOf('feature');
    const text = this.cells.requiredText(row, column, { expected: 'a dict of features', accepts: () => true });
    if (text === undefined) return undefined;
    const keys = this.framework === 'tflite' ? TFLITE_KEYS : TORCH_KEYS;
    const cell: Record<string, number> = {};
    try {
      for (const [key, raw] of parsePythonDict(text)) {
        const value = typeof raw === 'number' ? raw : parseDecimal(raw);
        if (!keys.includes(key)) {
          this.problem(row, key, `one of the keys ${keys.join(', ')}`);
        } else if (raw !== '-' && !(Number.isSafeInteger(value) && value >= 0)) {
          this.problem(row, `${key}: ${raw}`, `a whole number or '-' for ${key}`);
        } else if (raw !== '-') {
          cell[key] = value;
        }
      }
    } catch (error) {
      if (!(error instanceof PythonLiteralError)) throw error;
      this.problem(row, text, `a Python dict, with ${error.expected} at character ${error.position + 1}`);
      return undefined;
    }
    return cell;
  }

  private problem(row: number, value: string, expected: string): void {
    this.problems.add(this.table.lines[row]!, 'feature', value, expected);
  }

  /**
   * What one device measured of a row. An empty latency says that it was not measured there, whatever the name says.
   * @param featuresOf the row's features by kernel kind: most devices run the same kind
   */
  private readDevice(
    source: OperationRow,
    sizes: ReadonlySet<number>,
    featuresOf: Map<string, Features | undefined>,
    device: DeviceColumns,
  ): void {
    const { row, network, operation } = source;
    const latencyUs = this.cells.number(row, device.latency, POSITIVE_MICROSECONDS);
    const name = this.cells.text(row, device.kernel, NAME) ?? '';
    if (latencyUs === undefined) return;
    const named = this.framework === 'tflite' ? tfliteKernel(name) : torchKernel(name, operation);
    if (named === undefined) {
      this.cells.refuse(row, device.kernel, 'the name of a TFLite kernel such as convolution_2d_12_linked_:_relu_13');
      return;
    }
    if (!featuresOf.has(named.kind)) featuresOf.set(named.kind, this.features(source, named.kind, sizes));
    const features = featuresOf.get(named.kind);
    if (features === undefined) return;
    this.keep(row, operation, device, {
      network,
      scenario: device.scenario,
      latencyUs,
      harness: 0,
      ...named,
      features,
    });
  }

  private features(
    { row, operation, cell }: OperationRow,
    kind: string,
    sizes: ReadonlySet<number>,
  ): Features | undefined {
    const rule = this.rule(operation, kind)!;
    const missing = rule.needs.filter((key) => cell[key] === undefined);
    if (missing.length > 0) {
      this.problem(row, '', `a number for ${missing.join(', ')}, which ${operation} needs`);
      return undefined;
    }
    const features = rule.features(cell, sizes);
    const broken = Object.entries(features).find(([, value]) => !(Number.isSafeInteger(value) && value >= 0));
    if (broken !== undefined) {
      this.problem(row, `${broken[0]}: ${broken[1]}`, 'sizes, groups and FLOPS that fit each other');
      return undefined;
    }
    return features;
  }

  /**
   * A kernel of a network stands in one row. The exception is a depthwise convolution with the pointwise one behind it:
   * each of the two operations has a row, under one kernel name. The latency in either is that of the whole kernel (on
   * one iPhone all seven pairs agree; on the other four do, and no sum comes near its neighbours), so the kernel's is
   * their mean: where they differ they are two measurements of one thing.
   */
  private keep(row: number, operation: string, device: DeviceColumns, kernel: KernelMeasurement): void {
    if (kernel.kernel === '') {
      this.kernels.push(kernel);
      return;
    }
    const key = JSON.stringify([kernel.network, kernel.scenario, kernel.kernel]);
    const known = this.known.get(key);
    if (known === undefined) {
      if (kernel.kind === DEPTHWISE_POINTWISE && operation !== 'DEPTHWISE_CONV_2D') {
        this.cells.refuse(row, device.kernel, 'the row of the DEPTHWISE_CONV_2D in the same kernel before this one');
      }
      this.known.set(key, { index: this.kernels.length, rows: [row] });
      this.kernels.push(kernel);
      return;
    }
    if (kernel.kind !== DEPTHWISE_POINTWISE || operation !== 'CONV_2D' || known.rows.length > 1) {
      const first = this.table.lines[known.rows[0]!];
      this.cells.refuse(row, device.kernel, `one row a kernel of a network; ${this.table.unit} ${first} is another`);
      return;
    }
    const depthwise = this.kernels[known.index]!;
    known.rows.push(row);
    this.kernels[known.index] = {
      ...depthwise,
      latencyUs: (depthwise.latencyUs + kernel.latencyUs) / 2,
      features: mergeDepthwisePointwise(depthwise.features, kernel.features),
    };
  }

  /** A depthwise half whose pointwise half never came. */
  private refuseHalves(): void {
    for (const { index, rows } of this.known.values()) {
      const kernel = this.kernels[index]!;
      if (kernel.kind !== DEPTHWISE_POINTWISE || rows.length > 1) continue;
      const device = this.devices.find(({ scenario }) => scenario === kernel.scenario)!;
      this.cells.refuse(rows[0]!, device.kernel, 'a row of the CONV_2D in the same kernel behind this one');
    }
  }
}
