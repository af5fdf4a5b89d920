/**
 * Weights out of a TFLite file. Everything else stays byte for byte: the weights' bytes are cut out, and the distances that
 * reach over a cut are shortened. Small buffers stay, and those whose values decide a shape.
 */
import { EngineError } from '../errors';
import type { StrippedNetwork } from './onnx-strip';
import { CutFile } from './tflite-cutting';
import { decodeTflite, type TfliteModel } from './tflite-model';
import { BUILTINS } from './tflite-operators';

/** Buffers of up to this many bytes stay: shapes, axes, pads, slopes, small biases. */
const KEPT_BYTES = 256;

/**
 * @throws EngineError MALFORMED_FILE, UNSUPPORTED_FORMAT, or UNSUPPORTED_OP for operators that cannot be read anyway: what
 *   their options refer to is not known
 */
export function stripTflite(bytes: Uint8Array): StrippedNetwork {
  const model = decodeTflite(bytes);
  const needed = neededData(model);
  const cutFile = new CutFile(model.file);
  const seen = new Set<number>();
  let stripped = 0;
  let kept = 0;
  for (const { start, length } of model.buffers) {
    if (length === 0 || seen.has(start)) continue;
    seen.add(start);
    if (length <= KEPT_BYTES || needed.has(start)) {
      kept++;
    } else {
      stripped++;
      cutFile.cut(start, length);
    }
  }
  return { bytes: cutFile.write(), stripped, kept };
}

/** Where the data of tensors stand whose values translations read. */
function neededData({ operators, tensors, buffers }: TfliteModel): Set<number> {
  const needed = new Set<number>();
  for (const { name, builtin, inputs } of operators) {
    const known = BUILTINS.get(builtin);
    if (!known) {
      throw new EngineError(
        'UNSUPPORTED_OP',
        `${builtin} is not one of the operators that are read`,
        `op ${name} (${builtin})`,
        'Replace the op, or convert the network with builtin operators only.',
      );
    }
    for (const place of known.values ?? []) {
      const index = inputs[place] ?? -1;
      const data = index < 0 ? undefined : buffers[tensors[index].buffer];
      if (data) needed.add(data.start);
    }
  }
  return needed;
}
