/**
 * What this machine is, as far as latencies depend on it: processor, cores, frequency governor, system, what else runs on
 * it; and the cores that this process is held to.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { promisify } from 'node:util';
import { ONNXRUNTIME_VERSION } from '../../engine';
import { MeasurementError } from './measurement-error';

export interface Machine {
  readonly runtimeBuild: string;
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  /** Frequency governor of core 0; undefined where the system does not say. */
  readonly governor?: string;
  /** Cores that the process may run on; undefined where the system does not say. */
  readonly affinity?: string;
  /** Processes that wanted to run, over the last minute. */
  readonly load: number;
}

const GOVERNOR = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor';

export async function describeMachine(): Promise<Machine> {
  const processor = os.cpus()[0]?.model.replace(/\s+/g, ' ').trim() || process.arch;
  const cores = os.cpus().length;
  const governor = (await readFile(GOVERNOR, 'utf8').catch(() => '')).trim();
  const affinity = await currentAffinity();
  return {
    // Of one runtime there is a build for each system and processor, and it picks its kernels by the model.
    runtimeBuild: `onnxruntime ${ONNXRUNTIME_VERSION} ${process.platform}-${process.arch} on ${processor}, ${cores} cores`,
    processor,
    cores,
    system: `${os.type()} ${os.release()}`,
    ...(governor && { governor }),
    ...(affinity !== undefined && { affinity }),
    load: os.loadavg()[0],
  };
}

/** Cores that this process may run on, as Linux lists them: `0-1,3`. */
async function currentAffinity(): Promise<string | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
}

/**
 * Holds this process, with all the threads that it has and will have, to certain cores.
 *
 * @param cores as taskset takes them: `0`, `0-3`, `0,2`
 * @throws MeasurementError AFFINITY_UNAVAILABLE
 */
export async function holdToCores(cores: string): Promise<void> {
  const refuse = (message: string, remedy: string) =>
    new MeasurementError('AFFINITY_UNAVAILABLE', message, '--affinity', remedy);
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(cores)) {
    throw refuse(`${JSON.stringify(cores)} is no list of cores`, 'Write it as 0, 0-3 or 0,2.');
  }
  try {
    await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(process.pid)]);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw refuse(
        'this system has no command taskset, which holds processes to cores',
        'On Linux install util-linux; elsewhere leave --affinity out.',
      );
    }
    throw refuse(
      `the system does not hold the process to cores ${cores}: ${stderr?.trim().split('\n').at(-1) ?? String(code)}`,
      `This machine has cores 0 to ${os.cpus().length - 1}; some may be closed to this process.`,
    );
  }
}
