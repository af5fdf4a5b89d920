/** The shape rules op by op, against what onnx itself infers and onnxruntime makes (golden/make_single_op_shapes.py). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { readOnnx } from '../../src/engine/formats/onnx-reader';
import { stripOnnx } from '../../src/engine/formats/onnx-strip';
import { OP_TYPES } from '../../src/engine/shapes';

interface GoldenCase {
  readonly name: string;
  readonly opset: number;
  /** The model in base64. */
  readonly model: string;
  /** Type and dimensions of each graph output. */
  readonly outputs: readonly string[];
}

const GOLDEN: readonly GoldenCase[] = JSON.parse(
  readFileSync(path.join(__dirname, 'golden/single_op_shapes.json'), 'utf8'),
);

test.each(GOLDEN)('$name (operator set $opset)', ({ name, model, outputs }) => {
  const whole = Buffer.from(model, 'base64');
  // Nor do shapes need what stripping takes.
  for (const bytes of [whole, stripOnnx(whole).bytes]) {
    const graph = readOnnx(bytes, { name });
    const shapes = graph.outputs.map((output) => {
      const { type, shape } = graph.tensors.get(output)!;
      return `${type} ${shape.join('x')}`.trim();
    });
    expect(shapes).toEqual(outputs);
  }
});

test('every rule has a golden case', () => {
  const covered = new Set(
    GOLDEN.flatMap(({ model }) =>
      decodeOnnx(Buffer.from(model, 'base64')).graph!.node.map(({ domain, opType }) =>
        domain ? `${domain}.${opType}` : opType,
      ),
    ),
  );
  expect(OP_TYPES.filter((type) => !covered.has(type))).toEqual([]);
});
