/** The shape rules op by op, against what onnx itself infers (golden/make_single_op_shapes.py), and their refusals. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readOnnx } from '../../src/engine/formats/onnx-reader';

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
  const graph = readOnnx(Buffer.from(model, 'base64'), { name });
  const shapes = graph.outputs.map((output) => {
    const { type, shape } = graph.tensors.get(output)!;
    return `${type} ${shape.join('x')}`.trim();
  });
  expect(shapes).toEqual(outputs);
});
