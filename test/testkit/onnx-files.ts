/**
 * A small ONNX file, whole or changed in any way, and what the reader says of it.
 */
import { EngineError, readNetwork, writeOnnx } from '../../src/engine';
import type { ReadOptions } from '../../src/engine/formats/dimension-bindings';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../src/engine/formats/onnx-encoder';
import type { AttributeMessage, GraphMessage, ModelMessage } from '../../src/engine/formats/onnx-schema';

export type Bytes = Uint8Array<ArrayBufferLike>;

/** A convolution `conv` of `input` [1, 3, 8, 8] by `weight` [4, 3, 3, 3], a reshape by `target`, and a graph output. */
export function wholeFile(): Bytes {
  return writeOnnx({
    name: 'whole',
    inputs: [{ name: 'input', type: 'float32', shape: [1, 3, 8, 8] }],
    outputs: [{ name: 'output', type: 'float32', shape: [1, 144] }],
    nodes: [
      {
        type: 'Conv',
        name: 'conv',
        inputs: ['input', 'weight'],
        outputs: ['convolved'],
        attributes: { group: { int: 1 } },
      },
      { type: 'Reshape', name: 'flat', inputs: ['convolved', 'target'], outputs: ['output'] },
    ],
    constants: [
      { name: 'weight', shape: [4, 3, 3, 3], values: new Float32Array(108).fill(0.5) },
      { name: 'target', shape: [2], values: BigInt64Array.of(1n, -1n) },
    ],
  });
}

export function changed(change: (graph: GraphMessage, model: ModelMessage) => void): Bytes {
  const model = decodeOnnx(wholeFile());
  change(model.graph!, model);
  return encodeOnnx(model);
}

export function read(bytes: Bytes, options: Partial<ReadOptions> = {}) {
  return readNetwork(bytes, { name: 'net', ...options });
}

export function refusal(bytes: Bytes, options: Partial<ReadOptions> = {}): EngineError {
  try {
    read(bytes, options);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the file was read');
}

export function setDimension(
  graph: GraphMessage,
  axis: number,
  dimension: { dimValue?: number; dimParam?: string },
): void {
  graph.input[0].type!.tensorType!.shape!.dim[axis] = dimension;
}

export function setAttribute(graph: GraphMessage, attribute: AttributeMessage): void {
  graph.node[0].attribute = [attribute];
}

/** A file with one defect, and how it must be refused. */
interface BrokenFile {
  readonly what: string;
  readonly bytes: Bytes;
  readonly options?: Partial<ReadOptions>;
  readonly code: string;
  readonly message: string | RegExp;
  readonly where?: string;
  readonly remedy?: string | RegExp;
}

/** Registers a test a file. Every refusal says where, and what to do. */
export function testBrokenFiles(files: readonly BrokenFile[]): void {
  test.each(files)('$what: $code', ({ bytes, options, code, message, where, remedy }) => {
    const error = refusal(bytes, options);
    expect({ code: error.code, where: error.where }).toEqual({ code, where });
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
    // Every refusal says what to do.
    expect(error.remedy).toMatch(remedy ?? /\.$/);
  });
}
