/**
 * What is done to a network file before it leaves the house: weights out, and which dimensions need a size. It runs in
 * browsers too, so nothing here may reach for what only Node has.
 */
import { decodeOnnx } from './formats/onnx-decoder';
import { type StrippedNetwork, stripOnnx } from './formats/onnx-strip';
import { decodeTflite, isTflite } from './formats/tflite-model';
import { stripTflite } from './formats/tflite-strip';

/**
 * A copy of a network file without its weights, in the same format. It plans as the whole file does.
 *
 * @throws EngineError MALFORMED_FILE, UNSUPPORTED_FORMAT or UNSUPPORTED_OP
 */
export function stripNetwork(bytes: Uint8Array): StrippedNetwork {
  return isTflite(bytes) ? stripTflite(bytes) : stripOnnx(bytes);
}

/**
 * Dimensions of the inputs that reading the file asks bindings for, each name once: its own, or `input.axis`.
 *
 * @throws EngineError MALFORMED_FILE or UNSUPPORTED_FORMAT
 */
export function dynamicDimensions(bytes: Uint8Array): string[] {
  const names = isTflite(bytes) ? tfliteDimensions(bytes) : onnxDimensions(bytes);
  return [...new Set(names)];
}

function tfliteDimensions(bytes: Uint8Array): string[] {
  const { inputs, tensors } = decodeTflite(bytes);
  return inputs.flatMap((index) => {
    const { name, signature } = tensors[index];
    return signature.flatMap((size, axis) => (size === -1 ? [`${name}.${axis}`] : []));
  });
}

function onnxDimensions(bytes: Uint8Array): string[] {
  const { graph } = decodeOnnx(bytes);
  // Before IR version 4 initializers are listed among the inputs too.
  const constants = new Set([
    ...(graph?.initializer ?? []).map(({ name }) => name),
    ...(graph?.sparseInitializer ?? []).map(({ values }) => values?.name),
  ]);
  return (graph?.input ?? [])
    .filter(({ name }) => !constants.has(name))
    .flatMap(({ name, type }) =>
      (type?.tensorType?.shape?.dim ?? []).flatMap(({ dimValue, dimParam }, axis) =>
        !dimParam && dimValue !== undefined && dimValue > 0 ? [] : [dimParam || `${name}.${axis}`],
      ),
    );
}
