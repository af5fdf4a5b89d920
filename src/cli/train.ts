/**
 * Training in the service, followed to its end; the report in the engine's words, as `engine train` has it.
 */
import { LEARNERS, type Learner, type TrainingReport } from '../engine';
import { type Client, ServiceError } from './client';
import type { Output } from './output';

/** A version as training left it. */
export interface TrainedVersion {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly learner: Learner;
  readonly report: TrainingReport | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly where?: string;
    readonly remedy?: string;
  } | null;
}

export interface TrainingInput {
  readonly name: string;
  readonly scenario: string;
  readonly datasetIds: readonly string[];
  /** Whose networks are left out. */
  readonly evaluationSetIds?: readonly string[];
  readonly learner: Learner;
  readonly searchedSettings?: number;
  readonly seed: number;
}

/** All that `TrainingReport` of the engine has, but for the scenario. */
const REPORT = `engineVersion runtime learner seed networks kernelRows noiseFloor dropped datasets exportDifference
  sources { name networks mape share permuted choices {
    kind rows chosen { learner settings } candidates { learner settings mape } } }
  endToEnd { mape medianApe within10 } worstNetworks { network predictedUs measuredUs }
  calibration { level covered relativeWidth } kernelKinds { kind rows mape } importance { feature change }
  composition { kernelFactor perKernelUs fixedUs }
  harnesses { runtimeBuild threads affinity warmUps repetitions statistic governor }`;

/** The engine's learners by the API's words. */
const LEARNER_OF = new Map<unknown, Learner>(LEARNERS.map((learner) => [wordOf(learner), learner]));

/** `gaussianProcess` is `GAUSSIAN_PROCESS` in the API. */
function wordOf(learner: Learner): string {
  return learner.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** What the service answers, with the engine's words for learners, and without nulls for what nobody has said. */
function inEngineWords(key: string, value: unknown): unknown {
  if (key === 'learner') return LEARNER_OF.get(value) ?? value;
  if (key !== 'harnesses') return value;
  const said = (harness: object) => Object.fromEntries(Object.entries(harness).filter(([, each]) => each !== null));
  return (value as object[]).map(said);
}

/** Trains a version, with a progress bar. @throws ServiceError if it fails */
export async function train(client: Client, input: TrainingInput, output: Output): Promise<TrainedVersion> {
  const { trainPredictor } = await client.request<{ trainPredictor: { version: { id: string } } }>(
    'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
    { input: { ...input, learner: wordOf(input.learner) } },
  );
  const progress = output.progress(`training ${input.name}`, 100);
  await client.followTraining(trainPredictor.version.id, ({ fraction }) => progress.update(100 * fraction));
  progress.stop();
  const answer = await client.request<{ node: TrainedVersion }>(
    `query ($id: ID!) { node(id: $id) { ... on PredictorVersion {
      id number status learner failure { code message where remedy } report { ${REPORT} } } } }`,
    { id: trainPredictor.version.id },
  );
  const node: TrainedVersion = JSON.parse(JSON.stringify(answer.node), inEngineWords);
  if (node.status !== 'READY') {
    const { code, message, where, remedy } = node.failure ?? {
      code: 'CANCELLED',
      message: `the training is ${node.status}`,
    };
    throw new ServiceError({ code, message, where, remedy });
  }
  return { ...node, report: { ...node.report!, scenario: input.scenario } };
}
