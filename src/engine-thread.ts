/**
 * What runs in a worker thread: the long calls of the engine, and the reading of files for it. Each exported function
 * is one task; engine-pool.ts is its other side. Must not know rows, teams or the object store.
 */
import os from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import {
  contentsOf,
  describeNetwork,
  type EvaluationRow,
  evaluationRows,
  type FoldResult,
  type Graph,
  type Learner,
  type NetworkDescription,
  type Profile,
  type ProfileContents,
  parseScenario,
  readNetwork,
  runFold as runFoldHere,
  type Scenario,
  type ScenarioSpread,
  spreadsOf,
  type TrainedPredictor,
  type TrainingProgress,
  trainPredictor,
} from './engine';
import { throwIfCancelled } from './engine/errors';
import { askForFolds, foldRunner, type PackedFold, unpackFold } from './fold-tasks';
import { readProfile } from './profiles';
import { type Outcome, outcomeOf } from './thread-outcome';

export { predictGraphs, readRows, splitBatch } from './batch-thread';

// What computes for minutes gives way to what answers in milliseconds on the same machine. On Linux this is the priority of
// the thread that asks; elsewhere it would be that of the whole process, the API's threads among them.
if (process.platform === 'linux') os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);

/** A profile's file on this machine; network and scenario for the format that does not say them. */
export interface ProfileFile {
  readonly path: string;
  readonly network?: string;
  readonly scenario?: string;
}

export interface NetworkFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly bindings: Readonly<Record<string, number>>;
}

export interface ScenarioSummary extends Scenario {
  readonly name: string;
  readonly networkRows: number;
  readonly kernelRows: number;
  readonly spread: ScenarioSpread;
}

export interface ProfileSummary {
  readonly networkRows: number;
  readonly kernelRows: number;
  readonly contents: ProfileContents;
  readonly scenarios: readonly ScenarioSummary[];
}

export interface TrainingTask {
  readonly scenario: string;
  readonly learner: Learner;
  readonly seed: number;
  /** Drawn settings that are tried for each learner. */
  readonly searched: number;
  readonly profiles: readonly { readonly sha256: string; readonly profile: Profile }[];
  readonly networks: readonly NetworkFile[];
  /** Gets a TrainingProgress at every step. */
  readonly progress: MessagePort;
  /** Runs the folds of the cross-validation. */
  readonly folds: MessagePort;
  /** Threads that it has for them. */
  readonly foldThreads: number;
  /** One 32-bit integer; anything but 0 cancels. */
  readonly cancellation: SharedArrayBuffer;
}

/** What is in a profile: in all and of each scenario. */
export function summarizeProfile({ path, network, scenario }: ProfileFile): Promise<Outcome<ProfileSummary>> {
  return outcomeOf(async () => {
    const profile = await readProfile(path, { network, scenario });
    const kernelRows = new Map<string, number>();
    for (const row of profile.kernels) kernelRows.set(row.scenario, (kernelRows.get(row.scenario) ?? 0) + 1);
    return {
      networkRows: profile.networks.length,
      kernelRows: profile.kernels.length,
      contents: contentsOf(profile),
      scenarios: [...spreadsOf(profile)].map(([name, spread]) => ({
        name,
        ...parseScenario(name),
        networkRows: spread.networks?.rows ?? 0,
        kernelRows: kernelRows.get(name) ?? 0,
        spread,
      })),
    };
  });
}

/**
 * The measurements of one scenario in a profile, and those of whole networks in the scenarios that a training of it may
 * borrow from.
 */
export function readScenario(task: { file: ProfileFile; scenario: string }): Promise<Outcome<Profile>> {
  return outcomeOf(async () => {
    const { path, network, scenario } = task.file;
    const { harnesses, networks, kernels } = await readProfile(path, { network, scenario });
    const { runtime, type } = parseScenario(task.scenario);
    const related = new Set(
      [...new Set(networks.map((row) => row.scenario))].filter((name) => {
        const other = parseScenario(name);
        return other.runtime === runtime && other.type === type;
      }),
    );
    return {
      harnesses,
      networks: networks.filter((row) => related.has(row.scenario)),
      kernels: kernels.filter((row) => row.scenario === task.scenario),
    };
  });
}

/** The rows of whole networks that an evaluation set takes of a profile. */
export function readEvaluationRows(task: {
  file: ProfileFile;
  scenarios: readonly string[];
  networks?: readonly string[];
}): Promise<Outcome<EvaluationRow[]>> {
  return outcomeOf(async () => {
    const { path, network, scenario } = task.file;
    const profile = await readProfile(path, { network, scenario });
    return evaluationRows(profile, new Set(task.scenarios), task.networks && new Set(task.networks));
  });
}

/** What a network's file says. */
export function summarizeNetwork({ name, bytes, bindings }: NetworkFile): Promise<Outcome<NetworkDescription>> {
  return outcomeOf(() => describeNetwork(readNetwork(bytes, { name, bindings })));
}

/** A signal that another thread raises: an event would not reach a thread that computes, shared memory does. */
function sharedSignal(cancellation: SharedArrayBuffer): AbortSignal {
  const flag = new Int32Array(cancellation);
  return Object.defineProperty(new AbortController().signal, 'aborted', { get: () => Atomics.load(flag, 0) !== 0 });
}

/** Trains one version. */
export function train(task: TrainingTask): Promise<Outcome<TrainedPredictor>> {
  return outcomeOf(() => {
    const { scenario, learner, seed, searched, profiles, foldThreads: threads, cancellation } = task;
    const graphs = new Map<string, Graph>();
    for (const { name, bytes, bindings } of task.networks) graphs.set(name, readNetwork(bytes, { name, bindings }));
    const onProgress = (progress: TrainingProgress) => task.progress.postMessage(progress);
    const signal = sharedSignal(cancellation);
    const runFold = foldRunner(askForFolds(task.folds), { threads, cancellation });
    return trainPredictor({ scenario, learner, seed, searched, profiles, graphs, onProgress, signal, runFold });
  });
}

/** One fit of a cross-validation. */
export function runFold(fold: PackedFold): Promise<Outcome<FoldResult>> {
  return outcomeOf(() => {
    const signal = sharedSignal(fold.cancellation);
    throwIfCancelled(signal);
    return runFoldHere(unpackFold(fold), signal);
  });
}
