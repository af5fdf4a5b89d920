/**
 * Weights out of an ONNX file: a network's latency does not depend on their values, so they need not leave the house.
 * Constants that decide shapes are small and stay; the plan of the stripped file is the plan of the whole one.
 */
import { elementCount } from '../shape-reader';
import { decodeOnnx } from './onnx-decoder';
import { encodeOnnx } from './onnx-encoder';
import type { GraphMessage, NodeMessage, TensorMessage } from './onnx-schema';

/** Constants of up to this many elements keep their bytes: shapes, axes, permutations, clip bounds. */
const KEPT_ELEMENTS = 64;

/** What stands in the file where a weight's bytes were; no file of this name exists. */
const ABSENT_FILE = 'weights-not-included';

export interface StrippedNetwork {
  readonly bytes: Uint8Array;
  /** Constants whose bytes were left out. */
  readonly stripped: number;
  /** Constants that kept theirs. */
  readonly kept: number;
}

/**
 * @throws EngineError MALFORMED_FILE
 */
export function stripOnnx(bytes: Uint8Array): StrippedNetwork {
  const model = decodeOnnx(bytes);
  let stripped = 0;
  let kept = 0;
  const strip = (tensor: TensorMessage) => {
    if (elementCount(tensor.dims) <= KEPT_ELEMENTS) {
      kept++;
      return;
    }
    stripped++;
    for (const field of ['rawData', 'floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'] as const)
      tensor[field] = undefined;
    tensor.dataLocation = 1;
    tensor.externalData = [{ key: 'location', value: ABSENT_FILE }];
  };
  const stripNodes = (nodes: readonly NodeMessage[]) => {
    for (const { attribute } of nodes) {
      for (const { t, g } of attribute) {
        if (t) strip(t);
        if (g) stripGraph(g);
      }
    }
  };
  const stripGraph = ({ initializer, sparseInitializer, node }: GraphMessage) => {
    for (const tensor of initializer) strip(tensor);
    // Which weights are zero is a secret too.
    for (const { values, indices } of sparseInitializer ?? [])
      for (const tensor of [values, indices]) if (tensor) strip(tensor);
    stripNodes(node);
  };
  if (model.graph) stripGraph(model.graph);
  for (const each of model.functions ?? []) {
    stripNodes(each.node);
    stripNodes([{ opType: '', input: [], output: [], attribute: each.attributeProto ?? [] }]);
  }
  return { bytes: encodeOnnx(model), stripped, kept };
}
