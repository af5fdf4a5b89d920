/**
 * One scenario of the speed bench, in a worker thread: trains and exports it from end-to-end rows as a service would,
 * cross-validation, intervals and verification included.
 */
import { type Graph, type Profile, trainPredictor } from '../src/engine';
import { readProfile } from '../src/profiles';
import { readGraphs } from './speed-networks';

export interface TrainingTask {
  readonly file: string;
  readonly scenario: string;
}

/** What a thread reads once. */
let graphs: ReadonlyMap<string, Graph> | undefined;
const PROFILES = new Map<string, Promise<Profile>>();

/** Bytes of the exported file. */
export default async function train({ file, scenario }: TrainingTask): Promise<number> {
  graphs ??= readGraphs();
  const profile = PROFILES.get(file) ?? readProfile(file);
  PROFILES.set(file, profile);
  const { onnx } = await trainPredictor({
    scenario,
    learner: 'gaussianProcess',
    seed: 1,
    profiles: [{ sha256: '', profile: await profile }],
    graphs,
  });
  return onnx.length;
}
