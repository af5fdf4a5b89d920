/**
 * The ONNX writer: onnxruntime runs what it writes, the reader reads it back, and the same model is the same bytes.
 */
import { openSession, readNetwork, writeOnnx } from '../../../src/engine';
import { decodeOnnx } from '../../../src/engine/formats/onnx-decoder';
import { ML_DOMAIN, type OnnxModel } from '../../../src/engine/formats/onnx-writer';

/** y = relu(input . weight) + 1, per row, and a tree that tells rows apart by their first column. */
const MODEL: OnnxModel = {
  name: 'every kind of attribute',
  inputs: [{ name: 'input', type: 'float32', shape: ['rows', 2] }],
  outputs: [
    { name: 'sum', type: 'float32', shape: ['rows', 1] },
    { name: 'leaf', type: 'float32', shape: ['rows', 1] },
  ],
  nodes: [
    {
      type: 'Gemm',
      name: 'product',
      inputs: ['input', 'weight', 'one'],
      outputs: ['product_out'],
      attributes: { alpha: { float: 2 }, transB: { int: 1 } },
    },
    { type: 'Relu', name: 'relu', inputs: ['product_out'], outputs: ['relu_out'] },
    {
      type: 'Transpose',
      name: 'keep',
      inputs: ['relu_out'],
      outputs: ['kept'],
      attributes: { perm: { ints: [0, 1] } },
    },
    { type: 'Reshape', name: 'column', inputs: ['kept', 'shape'], outputs: ['sum'] },
    {
      type: 'TreeEnsembleRegressor',
      domain: ML_DOMAIN,
      name: 'tree',
      inputs: ['input'],
      outputs: ['leaf'],
      attributes: {
        n_targets: { int: 1 },
        aggregate_function: { string: 'SUM' },
        nodes_treeids: { ints: [0, 0, 0] },
        nodes_nodeids: { ints: Int32Array.of(0, 1, 2) },
        nodes_featureids: { ints: [0, 0, 0] },
        nodes_values: { floats: Float32Array.of(0.5, 0, 0) },
        nodes_modes: { strings: ['BRANCH_LEQ', 'LEAF', 'LEAF'] },
        nodes_truenodeids: { ints: [1, 0, 0] },
        nodes_falsenodeids: { ints: [2, 0, 0] },
        target_treeids: { ints: [0, 0] },
        target_nodeids: { ints: [1, 2] },
        target_ids: { ints: [0, 0] },
        target_weights: { floats: [10, 20] },
      },
    },
  ],
  constants: [
    { name: 'weight', shape: [1, 2], values: Float32Array.of(3, -1) },
    { name: 'one', shape: [], values: Float32Array.of(1) },
    { name: 'shape', shape: [2], values: BigInt64Array.of(-1n, 1n) },
  ],
  metadata: { about: 'Größe, 高さ', second: '{"a":1}' },
};

test('onnxruntime computes what was written', async () => {
  const session = await openSession(writeOnnx(MODEL));
  const outputs = await session.run({ input: { shape: [3, 2], values: Float32Array.of(0, 0, 1, 2, 0.5, 9) } });
  await session.release();
  // relu(2 * (3 a - b) + 1): onnxruntime's rule for Gemm.
  expect([...outputs.sum.values]).toEqual([1, 3, 0]);
  expect(outputs.sum.shape).toEqual([3, 1]);
  expect([...outputs.leaf.values]).toEqual([10, 20, 10]);
});

test('the reader reads the same graph back', () => {
  const { nodes, constants, outputs, ...rest } = MODEL;
  const withoutTree = { ...rest, outputs: outputs.slice(0, 1), nodes: nodes.slice(0, 4), constants };
  const graph = readNetwork(writeOnnx(withoutTree), { name: 'again', bindings: { rows: 5 } });
  expect(graph.inputs).toEqual(['input']);
  expect(graph.outputs).toEqual(['sum']);
  expect(graph.ops).toEqual(
    withoutTree.nodes.map(({ name, type, inputs, outputs: made }) => ({
      name,
      type,
      inputs,
      outputs: made,
      attributes: expect.anything(),
    })),
  );
  expect({ ...graph.ops[0].attributes }).toEqual({ alpha: 2, transB: 1 });
  expect({ ...graph.ops[2].attributes }).toEqual({ perm: [0, 1] });
  expect(graph.tensors.get('input')).toMatchObject({ type: 'float32', shape: [5, 2], constant: false });
  expect(graph.tensors.get('weight')).toMatchObject({ shape: [1, 2], constant: true, values: [3, -1] });
  expect(graph.tensors.get('shape')).toMatchObject({ type: 'int64', values: [-1, 1] });
  expect(graph.tensors.get('sum')!.shape).toEqual([5, 1]);
});

test('metadata, operator sets and attributes stand in the file as given', () => {
  const model = decodeOnnx(writeOnnx(MODEL));
  expect(model.metadataProps!.map(({ key, value }) => [key, value])).toEqual(Object.entries(MODEL.metadata!));
  expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
    ['', 17],
    [ML_DOMAIN, 3],
  ]);
  const tree = Object.fromEntries(model.graph!.node[4].attribute.map((attribute) => [attribute.name, attribute]));
  expect(Buffer.from(tree.aggregate_function.s!).toString()).toBe('SUM');
  expect(tree.nodes_modes.strings!.map((text) => Buffer.from(text).toString())).toEqual(['BRANCH_LEQ', 'LEAF', 'LEAF']);
  expect(tree.target_weights.floats).toEqual([10, 20]);
});

test('the same model gives the same bytes, another one others', () => {
  const bytes = writeOnnx(MODEL);
  expect(Buffer.from(bytes).equals(writeOnnx(structuredClone(MODEL)))).toBe(true);
  const [weight, ...others] = MODEL.constants;
  const changed = { ...MODEL, constants: [{ ...weight, values: Float32Array.of(3, -2) }, ...others] };
  expect(Buffer.from(bytes).equals(writeOnnx(changed))).toBe(false);
});

test('a view into a larger buffer is written alone', () => {
  const [, one, shape] = MODEL.constants;
  const weight = { name: 'weight', shape: [1, 2], values: Float32Array.of(7, 3, -1, 7).subarray(1, 3) };
  expect(Buffer.from(writeOnnx({ ...MODEL, constants: [weight, one, shape] })).equals(writeOnnx(MODEL))).toBe(true);
});

test('a constant whose values do not fill its shape is refused', () => {
  const constants = [{ name: 'weight', shape: [2, 2], values: Float32Array.of(1, 2, 3) }];
  expect(() => writeOnnx({ ...MODEL, constants })).toThrow('constant weight of shape [2,2] has 3 values');
});
