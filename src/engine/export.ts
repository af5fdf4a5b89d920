/**
 * A predictor version as one self-contained ONNX file: an input and an output per kernel kind, everything that serving
 * needs beside them as JSON in the file's metadata. The file alone predicts, in any onnxruntime.
 *
 * Per kind, for `n` kernels: input `<kind>` float32 [n, columns], output `<kind>.latencyUs` float32 [n, 1] with
 * the latencies that kernel-model.ts computes.
 */
import { EngineError } from './errors';
import { ModelWriter } from './export-model';
import { type Column, FEATURES } from './features';
import { decodeOnnx } from './formats/onnx-decoder';
import { type OnnxConstant, type OnnxNode, type OnnxValue, writeOnnx } from './formats/onnx-writer';
import type { Hull, PredictorModel } from './predictor-model';
import type { Harness } from './profile';
import { ENGINE_VERSION } from './version';

/** Key of the metadata entry. */
const METADATA_KEY = 'fusecast';
/** Raised when the file's layout or the meaning of its metadata changes. */
const FORMAT_VERSION = 1;

/** Where a version comes from. */
export interface Provenance {
  readonly learner: string;
  readonly seed: number;
  /** SHA-256 of the datasets, hexadecimal. */
  readonly datasets: readonly string[];
  readonly harnesses: readonly Harness[];
}

/** The metadata as it stands in the file: what a reader in another language needs. */
export interface PredictorMetadata extends Omit<PredictorModel, 'kinds' | 'hulls'>, Provenance {
  readonly formatVersion: number;
  readonly engineVersion: string;
  /** Columns of each kind's input, in order. */
  readonly kinds: Readonly<Record<string, readonly Column[]>>;
  readonly hulls: Readonly<Record<string, Hull>>;
  /** Unit of every feature that columns name. */
  readonly features: Readonly<Record<string, string>>;
}

export function outputName(kind: string): string {
  return `${kind}.latencyUs`;
}

/** Encodes a model. The same model and provenance give the same bytes. */
export function exportPredictor(model: PredictorModel, provenance: Provenance): Uint8Array {
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const nodes: OnnxNode[] = [];
  const constants: OnnxConstant[] = [];
  const { kinds, hulls, ...rest } = model;
  for (const [kind, kernelModel] of kinds) {
    inputs.push({ name: kind, type: 'float32', shape: [`${kind} kernels`, kernelModel.columns.length] });
    outputs.push({ name: outputName(kind), type: 'float32', shape: [`${kind} kernels`, 1] });
    const writer = new ModelWriter(kind);
    writer.write(kernelModel, outputName(kind));
    nodes.push(...writer.nodes);
    constants.push(...writer.constants);
  }
  const metadata: PredictorMetadata = {
    formatVersion: FORMAT_VERSION,
    engineVersion: ENGINE_VERSION,
    ...provenance,
    ...rest,
    kinds: Object.fromEntries([...kinds].map(([kind, { columns }]) => [kind, columns])),
    hulls: Object.fromEntries(hulls),
    features: FEATURES,
  };
  const name = `fusecast predictor of ${model.scenario}`;
  return writeOnnx({ name, inputs, outputs, nodes, constants, metadata: { [METADATA_KEY]: JSON.stringify(metadata) } });
}

/**
 * Reads the metadata of an exported predictor.
 *
 * @throws EngineError INVALID_PREDICTOR
 */
export function readMetadata(onnx: Uint8Array): PredictorMetadata {
  const text = decodeOnnx(onnx).metadataProps?.find(({ key }) => key === METADATA_KEY)?.value;
  if (text === undefined)
    throw new EngineError(
      'INVALID_PREDICTOR',
      'the ONNX file is not a Fusecast predictor',
      undefined,
      'Give a file that training made.',
    );
  const metadata = parsed(text);
  if (metadata?.formatVersion !== FORMAT_VERSION) {
    throw new EngineError(
      'INVALID_PREDICTOR',
      `the predictor has format ${metadata?.formatVersion}; ${FORMAT_VERSION} is read`,
      undefined,
      'Train it again.',
    );
  }
  return metadata;
}

function parsed(text: string): PredictorMetadata | null {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineError(
      'INVALID_PREDICTOR',
      "the predictor's metadata is not JSON",
      undefined,
      'Give the file as training made it.',
    );
  }
}
