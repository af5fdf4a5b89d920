/**
 * Reads files as the service would, and tells what came of it: outcomes, the slowest file, and memory. Made to run in a
 * process of its own (measured-reading.cjs), because a process's peak never falls again.
 */
import {
  EngineError,
  featurize,
  planKernels,
  RUNTIMES,
  readNetwork,
  resolveRuntime,
  stripNetwork,
} from '../../src/engine';
import { type DamagedFile, damagedFiles, type Format } from './damaged-files';
import { exhaustingFiles } from './exhausting-files';

const MEBIBYTE = 2 ** 20;

export interface ReadingReport {
  /** Files of which a graph was read, and files that were refused with a code; together all but the failed ones. */
  readonly read: number;
  readonly refused: number;
  /** Errors without a code: what was done to the file, and the stack. The first 5. */
  readonly failures: readonly string[];
  readonly slowest: { readonly what: string; readonly milliseconds: number };
  /** Memory of the whole process at its peak, and what it was before the first file. */
  readonly peakMebibytes: number;
  readonly startMebibytes: number;
  /** The file that raised the peak most. */
  readonly largest: { readonly what: string; readonly mebibytes: number };
  /** Memory outside JavaScript's heap that was ever reserved, used or not. */
  readonly reservedMebibytes: number;
}

/** One that has to have a GPU has one here: every rule pack is applied. */
const PACKS = RUNTIMES.map(
  (runtime) => resolveRuntime(runtime === 'tflite-gpu' ? 'tflite-gpu/mali-g76' : runtime).pack,
);

/** Reads, plans for every runtime, strips and reads what is left. True if a graph was read; coded errors are expected. */
function readWholly({ bytes, bindings }: DamagedFile): boolean {
  const options = { name: 'damaged', bindings };
  const isDone = (attempt: () => void) => {
    try {
      attempt();
      return true;
    } catch (error) {
      if (!(error instanceof EngineError) || error.message === '') throw error;
      return false;
    }
  };
  const isRead = isDone(() => {
    const graph = readNetwork(bytes, options);
    for (const pack of PACKS) isDone(() => featurize(planKernels(graph, pack)));
  });
  isDone(() => readNetwork(stripNetwork(bytes).bytes, options));
  return isRead;
}

/** @param files a format and how many damaged files of it, or the files that are made to exhaust a reader */
export function measureReading(files: readonly [Format, number] | readonly ['exhausting']): ReadingReport {
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const startMebibytes = peak();
  let [read, refused, reserved, lastPeak] = [0, 0, 0, startMebibytes];
  let slowest = { what: '', milliseconds: 0 };
  let largest = { what: '', mebibytes: 0 };
  const failures: string[] = [];
  for (const file of files[0] === 'exhausting' ? exhaustingFiles() : damagedFiles(...files)) {
    const [started, startedUsage] = [performance.now(), process.cpuUsage()];
    try {
      if (readWholly(file)) read++;
      else refused++;
    } catch (error) {
      if (failures.length < 5) failures.push(`${file.what}: ${(error as Error).stack}`);
    }
    const { user, system } = process.cpuUsage(startedUsage);
    // Other processes may hold this one up, and threads that collect garbage count twice: the less of both is the work.
    const milliseconds = Math.min(performance.now() - started, (user + system) / 1000);
    if (milliseconds > slowest.milliseconds) slowest = { what: file.what, milliseconds };
    const { external, arrayBuffers } = process.memoryUsage();
    reserved = Math.max(reserved, (external + arrayBuffers) / MEBIBYTE);
    const mebibytes = peak() - lastPeak;
    lastPeak += mebibytes;
    if (mebibytes > largest.mebibytes) largest = { what: file.what, mebibytes };
  }
  return {
    read,
    refused,
    failures,
    slowest,
    startMebibytes,
    peakMebibytes: peak(),
    largest,
    reservedMebibytes: reserved,
  };
}
