/**
 * The runtimes that have rules, by name, and which of them a scenario runs on.
 * A runtime is written `onnxruntime-cpu`, `onnxruntime-cpu@1.30`, or with its GPU `tflite-gpu@2.10/adreno-640`.
 */
import { EngineError } from '../errors';
import { parseScenario } from '../profile';
import { DEVICE_GPUS, GPU_PATTERN } from './devices';
import { ONNXRUNTIME_CPU } from './onnxruntime-cpu';
import { PLAIN } from './plain';
import type { RulePack } from './rule-pack';
import { TFLITE_CPU } from './tflite-cpu';
import { tfliteGpu } from './tflite-gpu';
import { TORCH_CPU } from './torch-cpu';
import { TORCH_METAL } from './torch-metal';
import { TORCH_VULKAN } from './torch-vulkan';

/** Packs that are the same on every device. */
const PACKS: readonly RulePack[] = [PLAIN, ONNXRUNTIME_CPU, TFLITE_CPU, TORCH_CPU, TORCH_VULKAN, TORCH_METAL];

/** Packs that depend on the GPU. */
const GPU_PACKS: Readonly<Record<string, (gpu: string) => RulePack>> = { 'tflite-gpu': tfliteGpu };

/** Packs by framework and processor where the GPU's maker decides: the first whose GPU or device name fits. */
const BY_MAKER: Readonly<Record<string, readonly (readonly [RegExp, RulePack])[]>> = {
  'torch-gpu': [
    [/^(apple|iphone|ipad)/, TORCH_METAL],
    [/^/, TORCH_VULKAN],
  ],
};

/** Names of the runtimes that have rules. */
export const RUNTIMES: readonly string[] = [...PACKS.map(({ runtime }) => runtime), ...Object.keys(GPU_PACKS)];

/** A runtime with everything that its plans depend on. */
export interface ResolvedRuntime {
  readonly pack: RulePack;
  /** In full, for example `tflite-gpu@2.10/adreno-640`. */
  readonly name: string;
}

/**
 * Finds the rules of a runtime; a pack that is given stands for itself.
 *
 * @throws EngineError UNKNOWN_NAME for a runtime, version or GPU that has none
 */
export function resolveRuntime(runtime: string | RulePack): ResolvedRuntime {
  if (typeof runtime === 'object') return { pack: runtime, name: `${runtime.runtime}@${runtime.version}` };
  const [, name = '', version, gpu] = /^([a-z-]+)(?:@([\w.]+))?(?:\/([a-z0-9-]+))?$/.exec(runtime) ?? [];
  const makePack = Object.hasOwn(GPU_PACKS, name) ? GPU_PACKS[name] : undefined;
  if (makePack && (gpu === undefined || !GPU_PATTERN.test(gpu))) {
    throw new EngineError(
      'UNKNOWN_NAME',
      gpu === undefined ? `the rules of ${name} depend on the GPU, and none is given` : `${gpu} is no GPU name`,
      runtime,
      'Name it as vendor and model, for example adreno-640, mali-g76, powervr-ge8320 or apple-a12.',
    );
  }
  const pack = makePack ? makePack(gpu) : PACKS.find((each) => each.runtime === name);
  if (!pack || (version !== undefined && version !== pack.version) || (gpu !== undefined && !makePack)) {
    const known = [...PACKS, ...Object.values(GPU_PACKS).map((make) => make('mali-g76'))];
    throw new EngineError(
      'UNKNOWN_NAME',
      `there are no rules for runtime ${runtime}`,
      runtime,
      `Known runtimes: ${known.map((each) => `${each.runtime}@${each.version}`).join(', ')}.`,
    );
  }
  return { pack, name: `${pack.runtime}@${pack.version}${gpu === undefined ? '' : `/${gpu}`}` };
}

/**
 * The runtime whose rules plan a scenario's kernels; `plain` for a framework that has none.
 *
 * @param gpu the device's GPU, where the device is not one of DEVICE_GPUS
 * @throws EngineError UNKNOWN_NAME if the text is not `runtime/device/processor/type`, or the rules need a GPU that is not known
 */
export function runtimeOfScenario(scenario: string, gpu?: string): string {
  const { runtime, device, processor } = parseScenario(scenario);
  const name = `${runtime}-${processor === 'gpu' ? 'gpu' : 'cpu'}`;
  if (PACKS.some((pack) => pack.runtime === name)) return name;
  if (Object.hasOwn(BY_MAKER, name)) {
    const maker = gpu ?? DEVICE_GPUS[device] ?? device;
    return BY_MAKER[name].find(([pattern]) => pattern.test(maker))![1].runtime;
  }
  if (!Object.hasOwn(GPU_PACKS, name)) return PLAIN.runtime;
  const known = gpu ?? DEVICE_GPUS[device];
  if (known === undefined) {
    throw new EngineError(
      'UNKNOWN_NAME',
      `the rules of ${name} depend on the GPU, and that of device ${device} is not known`,
      scenario,
      `Say which GPU it has. Known devices: ${Object.keys(DEVICE_GPUS).join(', ')}.`,
    );
  }
  return `${name}/${known}`;
}

/** A runtime's name with the GPU, for those whose rules depend on it; the others' plans are the same on every GPU. */
export function withGpu(runtime: string, gpu: string | undefined): string {
  return gpu !== undefined && Object.hasOwn(GPU_PACKS, runtime.split('@')[0]) ? `${runtime}/${gpu}` : runtime;
}
