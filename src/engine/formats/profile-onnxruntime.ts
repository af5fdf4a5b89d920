/**
 * The profile that onnxruntime's endProfiling() writes: a JSON array of trace events of a session that ran one network,
 * several times. Events of category Node whose name ends in `_kernel_time` are kernels; `model_run` of category Session
 * is a whole run. What a kernel's shapes say is in profile-onnxruntime-features.ts.
 */
import { EngineError } from '../errors';
import { type Harness, type KernelMeasurement, type Profile, parseScenario } from '../profile';
import { COUNT, NAME, RATIO } from './profile-cells';
import { isTrace, parseJson } from './profile-json';
import { featuresOfNode, kindOfNode, type NodeShapes, parseShapes } from './profile-onnxruntime-features';
import { ProblemList } from './profile-problems';

export interface OnnxruntimeProfileOptions {
  /** Name of the network that ran: the file does not say. */
  readonly network?: string;
  /** Where it ran, `onnxruntime/device/processor/type`: the file does not say. */
  readonly scenario?: string;
  /** Runs at the beginning that do not count; 1 unless told otherwise. */
  readonly warmUps?: number;
  /** How it was measured, as far as the file does not say: everything but warmUps, repetitions and statistic. */
  readonly harness?: Omit<Harness, 'warmUps' | 'repetitions' | 'statistic'>;
}

const KERNEL_TIME = '_kernel_time';
/** Ops that run others inside their own time. */
const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan']);
/** onnxruntime cuts times to whole microseconds: 0 says that a kernel took less than 1, and this is the middle of that. */
const BELOW_RESOLUTION_US = 0.5;

interface Interval {
  readonly start: number;
  /** Microseconds. */
  readonly duration: number;
}

interface NodeEvent extends Interval {
  readonly thread: string;
  readonly node: string;
  readonly nodeIndex: string;
  readonly op: string;
  readonly shapes: NodeShapes;
}

/**
 * Reads onnxruntime's profile from the file's bytes; see profileFromTrace.
 * @throws EngineError as profileFromTrace does; MALFORMED_FILE with line and byte offset if the bytes are not JSON
 */
export function profileFromOnnxruntime(bytes: Uint8Array, options: OnnxruntimeProfileOptions): Profile {
  checkOptions(options);
  return profileFromTrace(parseJson(bytes), options);
}

/**
 * Reads onnxruntime's profile: latencies are medians over the runs behind the warm-ups, deviations their standard
 * deviations. Kernels are called by their nodes, and their kinds as in a plan. A kernel's time in a run is
 * the sum of its events there; what runs inside If, Loop or Scan counts to that op.
 * @throws EngineError INVALID_PROFILE if network or scenario are not given, or an event is not what it should be (up to
 *   20 are listed); UNKNOWN_NAME if the scenario is none; UNSUPPORTED_FORMAT if it is not a trace;
 *   INSUFFICIENT_DATA if there are no runs behind the warm-ups
 */
export function profileFromTrace(trace: unknown, options: OnnxruntimeProfileOptions): Profile {
  const { network, scenario, warmUps } = checkOptions(options);
  if (!isTrace(trace)) {
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      'The JSON file is not an array of trace events.',
      'line 1',
      "Send the file that onnxruntime's endProfiling() wrote, unchanged.",
    );
  }
  const { runs, nodes } = readEvents(trace);
  if (runs.length <= warmUps) {
    throw new EngineError(
      'INSUFFICIENT_DATA',
      `The file holds ${runs.length} runs (model_run events), of which ${warmUps} do not count as warm-ups.`,
      'model_run',
      'Run the network more often while profiling, or count fewer warm-ups.',
    );
  }
  const harness: Harness = { ...options.harness, warmUps, repetitions: runs.length - warmUps, statistic: 'median' };
  const counted = runs.slice(warmUps);
  const base = { network, scenario, harness: 0 };
  return {
    harnesses: [harness],
    networks: [{ ...base, ...statisticsOf(counted.map(({ duration }) => duration)) }],
    kernels: readKernels(counted, nodes).map((kernel) => ({ ...base, ...kernel })),
  };
}

function checkOptions({ network, scenario, warmUps = 1 }: OnnxruntimeProfileOptions) {
  const missing = [network ? [] : ['network'], scenario ? [] : ['scenario']].flat();
  if (!network || !scenario) {
    throw new EngineError(
      'INVALID_PROFILE',
      `onnxruntime's profile does not say of which ${missing.join(' and ')} it is, and none was given.`,
      missing[0],
      `Give ${missing.join(' and ')} beside the file.`,
    );
  }
  parseScenario(scenario);
  if (!NAME.accepts(network)) {
    throw new EngineError('INVALID_PROFILE', `${JSON.stringify(network)} is not ${NAME.expected}.`, 'network');
  }
  if (!COUNT.accepts(warmUps)) {
    throw new EngineError('INVALID_PROFILE', `${warmUps} warm-ups; expected ${COUNT.expected}.`, 'warmUps');
  }
  return { network, scenario, warmUps };
}

/** All runs and kernels of a trace, each by time. Other events (loading, initialization, the executor) are passed over. */
function readEvents(trace: readonly unknown[]): { runs: readonly Interval[]; nodes: readonly NodeEvent[] } {
  const problems = new ProblemList('event');
  const runs: Interval[] = [];
  const nodes: NodeEvent[] = [];
  trace.forEach((value, index) => {
    const event = new EventReader(value, index + 1, problems);
    if (event.category === 'Session' && event.name === 'model_run') runs.push(event.interval());
    if (event.category === 'Node' && event.name.endsWith(KERNEL_TIME)) nodes.push(event.node());
  });
  runs.sort(byStart);
  runs.forEach((run, index) => {
    const before = runs[index - 1];
    if (before !== undefined && run.start < before.start + before.duration) {
      problems.add(null, 'model_run', run.start, 'runs one after the other; two of them overlap');
    }
  });
  const remedy = "Send the file that onnxruntime's endProfiling() wrote, unchanged; nothing of it was taken.";
  problems.throwIfAny('INVALID_PROFILE', 'onnxruntime profile', remedy);
  return { runs, nodes: nodes.sort(byStart) };
}

function byStart(a: Interval, b: Interval): number {
  return a.start - b.start || b.duration - a.duration;
}

/** One event of a trace; what is wrong with it goes to the problems, and what is then returned is not used. */
class EventReader {
  readonly category: unknown;
  readonly name: string;
  private readonly event: Readonly<Record<string, unknown>>;
  private readonly arguments: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly line: number,
    private readonly problems: ProblemList,
  ) {
    if (typeof value !== 'object' || value === null) this.refuse('event', value, 'a trace event, which is an object');
    this.event = (value ?? {}) as Record<string, unknown>;
    this.category = this.event.cat;
    this.name = typeof this.event.name === 'string' ? this.event.name : '';
    this.arguments = (this.event.args ?? {}) as Record<string, unknown>;
  }

  interval(): Interval {
    return { start: this.number('ts'), duration: this.number('dur') };
  }

  node(): NodeEvent {
    return {
      ...this.interval(),
      thread: `${this.event.pid}/${this.event.tid}`,
      node: this.name.slice(0, -KERNEL_TIME.length),
      nodeIndex: this.argument('node_index'),
      op: this.argument('op_name'),
      shapes: {
        inputs: this.shapes('input_type_shape'),
        outputs: this.shapes('output_type_shape'),
        runTimeBytes: this.bytes('activation_size'),
        constantBytes: this.bytes('parameter_size'),
      },
    };
  }

  private number(key: string): number {
    const value = this.event[key];
    if (typeof value === 'number' && Number.isFinite(value) && RATIO.accepts(value)) return value;
    this.refuse(key, value, 'a finite number of microseconds, 0 or greater');
    return 0;
  }

  private argument(key: string): string {
    const value = this.arguments[key];
    if (typeof value === 'string' && value !== '') return value;
    this.refuse(`args.${key}`, value, `a text, as every ${KERNEL_TIME} event has`);
    return '';
  }

  /** Written as text; some builds of onnxruntime leave them out. */
  private bytes(key: string): number | undefined {
    const value = this.arguments[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
    this.refuse(`args.${key}`, value, 'a number of bytes as a text');
    return undefined;
  }

  private shapes(key: string): NodeShapes['inputs'] {
    const shapes = parseShapes(this.arguments[key]);
    if (shapes === undefined)
      this.refuse(`args.${key}`, this.arguments[key], 'tensors such as [{"float":[1,3,224,224]}]');
    return shapes ?? [];
  }

  private refuse(column: string, value: unknown, expected: string): void {
    this.problems.add(this.line, column, value, expected);
  }
}

type KernelOfRuns = Omit<KernelMeasurement, 'network' | 'scenario' | 'harness'>;

/** The kernels of the counted runs, in the order in which they first ran. */
function readKernels(runs: readonly Interval[], nodes: readonly NodeEvent[]): readonly KernelOfRuns[] {
  const kernels = new Map<string, { readonly event: NodeEvent; readonly durationOf: Map<number, number> }>();
  let run = 0;
  for (const event of withoutNested(nodes)) {
    while (run < runs.length && event.start >= runs[run]!.start + runs[run]!.duration) run += 1;
    // Before the first counted run: a warm-up. Behind the last: a run that the file does not complete.
    if (run === runs.length) break;
    if (event.start < runs[run]!.start) continue;
    const key = `${event.nodeIndex} ${event.node}`;
    const kernel = kernels.get(key) ?? { event, durationOf: new Map<number, number>() };
    kernel.durationOf.set(run, (kernel.durationOf.get(run) ?? 0) + event.duration);
    kernels.set(key, kernel);
  }
  const uses = new Map<string, number>();
  for (const { event } of kernels.values()) uses.set(event.node, (uses.get(event.node) ?? 0) + 1);
  return [...kernels.values()].map(({ event, durationOf }) => ({
    // ONNX does not force names of nodes to be unique; the index of the node is.
    kernel: uses.get(event.node)! > 1 ? `${event.node}#${event.nodeIndex}` : event.node,
    kind: kindOfNode(event.op, event.shapes),
    fused: [],
    ...statisticsOf([...durationOf.values()]),
    features: featuresOfNode(event.op, event.shapes),
  }));
}

/** @param nodes by start time */
function withoutNested(nodes: readonly NodeEvent[]): readonly NodeEvent[] {
  const busyUntil = new Map<string, number>();
  return nodes.filter((event) => {
    if (event.start < (busyUntil.get(event.thread) ?? 0)) return false;
    if (CONTROL_FLOW.has(event.op)) busyUntil.set(event.thread, event.start + event.duration);
    return true;
  });
}

/** Median and, over at least two values, the standard deviation (n - 1). */
function statisticsOf(durations: readonly number[]): { latencyUs: number; deviationUs?: number } {
  const sorted = [...durations].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  const latencyUs = Math.max(median, BELOW_RESOLUTION_US);
  if (sorted.length < 2) return { latencyUs };
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { latencyUs, deviationUs: Math.sqrt(squares / (sorted.length - 1)) };
}
