import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readOnnx } from '../../src/engine/formats/onnx-reader';
import { describeWithShared, SHARED } from '../testkit/shared';

const GOLDEN: Record<string, string[]> = JSON.parse(
  readFileSync(path.join(__dirname, 'golden/onnx_shapes.json'), 'utf8'),
);

/** The spelling of onnx's TensorProto.DataType. */
const ONNX_TYPE: Record<string, string> = { float32: 'FLOAT', int64: 'INT64', int32: 'INT32', bool: 'BOOL' };

describeWithShared('shapes of the benchmark networks', () => {
  const folder = path.join(SHARED, 'networks/onnx');
  const networks = readdirSync(folder).map((file) => path.basename(file, '.onnx'));

  test('every network has golden shapes', () => {
    expect(Object.keys(GOLDEN).sort()).toEqual(networks.sort());
  });

  test.each(networks)('%s: every tensor as onnx infers it', (name) => {
    const graph = readOnnx(readFileSync(path.join(folder, `${name}.onnx`)), { name });
    const shapes = graph.ops.flatMap((op) =>
      op.outputs.map((output) => {
        const { type, shape } = graph.tensors.get(output)!;
        return `${ONNX_TYPE[type]} ${shape.join('x')}`.trim();
      }),
    );
    expect(shapes).toEqual(GOLDEN[name]);
  });
});
