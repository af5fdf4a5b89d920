/**
 * A profile: measured latencies of kernels, of whole networks, or both, and how they were measured.
 * This file holds the vocabulary only; the formats that profiles come in are read under formats/.
 */
import { EngineError } from './errors';
import type { FeatureName } from './features';

/** Statistics that a latency can be, over the repetitions of one measurement. */
export const STATISTICS = ['mean', 'median', 'minimum'] as const;
export type Statistic = (typeof STATISTICS)[number];

/** How latencies were measured. Two harnesses on one phone were seen to differ by 48 % on one network (nn-Meter issue 83). */
export interface Harness {
  /** Runtime and its build, for example `onnxruntime 1.30.0`. */
  readonly runtimeBuild?: string;
  readonly threads?: number;
  /** CPU set or core names, for example `0-3` or `1large`. */
  readonly affinity?: string;
  readonly warmUps?: number;
  readonly repetitions?: number;
  readonly statistic?: Statistic;
  /** Frequency governor, for example `performance`. */
  readonly governor?: string;
}

/** The harness columns of a profile table, and their kind. */
export const HARNESS_FIELDS = {
  runtimeBuild: 'text',
  threads: 'integer',
  affinity: 'text',
  warmUps: 'integer',
  repetitions: 'integer',
  statistic: 'statistic',
  governor: 'text',
} as const satisfies Record<keyof Harness, 'text' | 'integer' | 'statistic'>;

/** One measured end-to-end latency. */
export interface NetworkMeasurement {
  /** Name of the network: its file's name without extension. */
  readonly network: string;
  /** `runtime/device/processor/type`, for example `tflite/pixel4/1large1med/float`. */
  readonly scenario: string;
  /** Microseconds, greater than 0. */
  readonly latencyUs: number;
  /** Standard deviation over the repetitions, microseconds. */
  readonly deviationUs?: number;
  /** Index into Profile.harnesses. */
  readonly harness: number;
}

/** One measured kernel latency. */
export interface KernelMeasurement extends NetworkMeasurement {
  /** The runtime's own name for the kernel (a profile's node name); unique in one network where the source names it so. */
  readonly kernel: string;
  /** Kernel kind in the rule pack's spelling, for example `convolution_winograd_4x4_6x6`. */
  readonly kind: string;
  /** What was fused into the kernel, in order, for example `['add', 'relu']`. */
  readonly fused: readonly string[];
  /** What the source says of the kernel. May be partial or empty: the plan of the network's graph says the rest. */
  readonly features: Readonly<Partial<Record<FeatureName, number>>>;
}

export interface Profile {
  readonly harnesses: readonly Harness[];
  readonly networks: readonly NetworkMeasurement[];
  readonly kernels: readonly KernelMeasurement[];
}

/** A scenario's four parts. */
export interface Scenario {
  /** Framework as the benchmark names it (`tflite`, `torch`, `onnxruntime`). */
  readonly runtime: string;
  readonly device: string;
  /** `gpu`, or a set of CPU cores such as `1large2med`. */
  readonly processor: string;
  /** Number type, `float` or `quant`. */
  readonly type: string;
}

const SCENARIO_PART = '[a-z0-9][a-z0-9._-]*';
const SCENARIO = new RegExp(`^${SCENARIO_PART}(/${SCENARIO_PART}){3}$`);

/** How a scenario is written, for messages. */
export const SCENARIO_FORM = 'runtime/device/processor/type in lower case, for example tflite/pixel4/1large1med/float';

/** True if the text is a scenario's written form; whether anybody has that device is another question. */
export function isScenario(text: string): boolean {
  return SCENARIO.test(text);
}

/**
 * Reads a scenario's written form, `runtime/device/processor/type`.
 * @throws EngineError UNKNOWN_NAME if a part is missing, surplus or not spelled with lower-case letters, digits, `.`, `_`, `-`
 */
export function parseScenario(text: string): Scenario {
  if (!isScenario(text)) {
    throw new EngineError(
      'UNKNOWN_NAME',
      `${JSON.stringify(text)} is not a scenario; expected ${SCENARIO_FORM}.`,
      'scenario',
      'Write all four parts, separated by slashes.',
    );
  }
  const [runtime, device, processor, type] = text.split('/') as [string, string, string, string];
  return { runtime, device, processor, type };
}

/**
 * Writes a scenario in the form that parseScenario reads.
 * @throws EngineError UNKNOWN_NAME if a part cannot stand in a scenario
 */
export function formatScenario(scenario: Scenario): string {
  const text = [scenario.runtime, scenario.device, scenario.processor, scenario.type].join('/');
  parseScenario(text);
  return text;
}
