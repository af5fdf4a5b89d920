/**
 * A batch's tasks in worker threads: splitting its file, reading the networks of rows (no native code: it can be ended at
 * a limit), predicting them. Its other side is engine-pool.ts. Must not know rows of tables, teams or the object store.
 */
import { type BatchChunk, type NetworkRow, type RowRefusal, splitRows, toChange } from './batch-rows';
import { changeGraph, EngineError, type Graph, type LoadedPredictor, loadPredictor, readNetwork } from './engine';
import { type Outcome, outcomeOf } from './thread-outcome';

export interface SplitTask {
  readonly path: string;
  /** Where the chunks go. */
  readonly directory: string;
}

export interface ReadingTask {
  readonly rows: readonly NetworkRow[];
  /** Networks of the service by the ids that rows give. */
  readonly bases: ReadonlyMap<string, Graph>;
}

export interface PredictingTask {
  readonly graphs: readonly Graph[];
  /** ONNX files of versions. */
  readonly versions: readonly Uint8Array[];
}

/** What a version says of a network, without its kernels. */
export interface BatchPrediction {
  readonly latencyUs: number;
  readonly lowerUs: number;
  readonly upperUs: number;
  readonly level: number;
  readonly coverage: number;
}

/** Splits a batch's file into chunks. */
export function splitBatch({ path, directory }: SplitTask): Promise<Outcome<BatchChunk[]>> {
  return outcomeOf(() => splitRows(path, directory));
}

/** The graph of each row, or why there is none. */
export function readRows({ rows, bases }: ReadingTask): Promise<Outcome<(Graph | RowRefusal)[]>> {
  return outcomeOf(() => Promise.all(rows.map((row) => refusable(() => readRow(row, bases)))));
}

/** Each version's predictions of all graphs, or why there is none of one. */
export function predictGraphs({
  graphs,
  versions,
}: PredictingTask): Promise<Outcome<(BatchPrediction | RowRefusal)[][]>> {
  return outcomeOf(async () => {
    const answers: (BatchPrediction | RowRefusal)[][] = [];
    for (const onnx of versions) {
      const predictor = await loadPredictor(onnx);
      try {
        answers.push(await predictAll(predictor, graphs));
      } finally {
        await predictor.release();
      }
    }
    return answers;
  });
}

function readRow({ id, networkId, file, bindings, changes }: NetworkRow, bases: ReadonlyMap<string, Graph>): Graph {
  const graph =
    file === undefined ? bases.get(networkId!)! : readNetwork(Buffer.from(file, 'base64'), { name: id, bindings });
  return changes.length === 0 ? graph : changeGraph(graph, changes.map(toChange)).graph;
}

/** All in one run; one after the other if the version refuses one, to know which. */
async function predictAll(
  predictor: LoadedPredictor,
  graphs: readonly Graph[],
): Promise<(BatchPrediction | RowRefusal)[]> {
  const together = await refusable(() => predictSome(predictor, graphs));
  if (!('code' in together)) return together;
  const answers: (BatchPrediction | RowRefusal)[] = [];
  for (const graph of graphs) answers.push(await refusable(async () => (await predictSome(predictor, [graph]))[0]));
  return answers;
}

async function predictSome(predictor: LoadedPredictor, graphs: readonly Graph[]): Promise<BatchPrediction[]> {
  const predictions = await predictor.predict(graphs);
  return predictions.map(({ latencyUs, interval, coverage }) => ({ latencyUs, ...interval, coverage }));
}

/** What it gives, or why the engine refused. */
async function refusable<T>(work: () => T | Promise<T>): Promise<T | RowRefusal> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('call stack')) {
      return { code: 'LIMIT_EXCEEDED', message: 'The network is nested more deeply than it can be read.' };
    }
    if (!(error instanceof EngineError)) throw error;
    const { code, message, where } = error;
    return { code, message: where ? `${message} (${where})` : message };
  }
}
