/** The ONNX reader: containers, operator sets and inputs that it refuses, each with its place and remedy; what it accepts. */
import { ELEMENT_TYPES } from '../../../src/engine/formats/onnx-schema';
import { changed, read, setDimension, testBrokenFiles, wholeFile } from '../../testkit/onnx-files';

test('the whole file is read', () => {
  const graph = read(wholeFile());
  expect(graph.tensors.get('convolved')).toEqual({
    name: 'convolved',
    type: 'float32',
    shape: [1, 4, 6, 6],
    constant: false,
  });
  expect(graph.tensors.get('output')!.shape).toEqual([1, 144]);
  expect(graph.tensors.get('target')!.values).toEqual([1, -1]);
});

describe('broken files', () => {
  testBrokenFiles([
    {
      what: 'no bytes',
      bytes: new Uint8Array(),
      code: 'MALFORMED_FILE',
      message: 'the file is empty',
      remedy: /again/,
    },
    {
      what: 'a text',
      bytes: new TextEncoder().encode('<!DOCTYPE html><html><body>404</body></html>'),
      code: 'MALFORMED_FILE',
      message: 'not an ONNX file: a field has wire type 4 instead of 2',
      where: 'byte 1',
      remedy: /is an \.onnx or \.tflite model/,
    },
    {
      what: 'a model without a graph',
      bytes: changed((_, model) => delete model.graph),
      code: 'MALFORMED_FILE',
      message: 'the file holds no ONNX graph',
      where: 'net',
      remedy: /\.onnx model file/,
    },
    {
      what: 'a graph without ops',
      bytes: changed((graph) => {
        graph.node = [];
      }),
      code: 'MALFORMED_FILE',
      message: 'the file holds no ONNX graph',
      where: 'net',
    },
    {
      what: 'no operator set',
      bytes: changed((_, model) => {
        model.opsetImport = [{ domain: 'ai.onnx.ml', version: 3 }];
      }),
      code: 'MALFORMED_FILE',
      message: 'the file imports no ONNX operator set',
      where: 'net',
    },
    {
      what: 'operator set 6',
      bytes: changed((_, model) => {
        model.opsetImport = [{ version: 6 }];
      }),
      code: 'UNSUPPORTED_FORMAT',
      message: 'the file uses operator set 6; 7 or newer is read',
      where: 'net',
      remedy: /version_converter/,
    },
    {
      what: 'a dynamic dimension with a name',
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension batch of input input is dynamic',
      where: 'input',
      remedy: 'Bind it, for example batch=1.',
    },
    {
      what: 'a dynamic dimension without a name',
      bytes: changed((graph) => setDimension(graph, 2, {})),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension input.2 of input input is dynamic',
      where: 'input',
      remedy: 'Bind it, for example input.2=1.',
    },
    {
      what: 'a negative dimension of an input',
      bytes: changed((graph) => setDimension(graph, 2, { dimValue: -8 })),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension input.2 of input input is dynamic',
      where: 'input',
    },
    ...[0, -1, 1.5, Number.NaN].map((batch) => ({
      what: `a dimension bound to ${batch}`,
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      options: { bindings: { batch } },
      code: 'UNBOUND_DIMENSION',
      message: `binding batch=${batch} is not a whole number of at least 1`,
      where: 'batch',
      remedy: /whole number/,
    })),
    {
      what: 'a binding of no dimension',
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      options: { bindings: { batch: 1, sequence: 128 } },
      code: 'UNKNOWN_NAME',
      message: 'binding sequence names no dynamic dimension of the network',
      where: 'sequence',
      remedy: 'Dynamic dimensions: batch.',
    },
    {
      what: 'an input without a shape',
      bytes: changed(({ input }) => {
        delete input[0].type!.tensorType!.shape;
      }),
      code: 'INVALID_SHAPE',
      message: 'graph input input has no tensor shape',
      where: 'input',
      remedy: /fixed input shape/,
    },
    {
      what: 'a huge input',
      bytes: changed((graph) => setDimension(graph, 0, { dimValue: 2 ** 40 })),
      code: 'MALFORMED_FILE',
      message: 'a tensor has shape [1099511627776,3,8,8]',
      where: 'input',
      remedy: /^Check /,
    },
  ]);
});

describe('what is no defect', () => {
  test('weights that are external and were not sent along', () => {
    const bytes = changed(({ initializer }) => {
      delete initializer[0].rawData;
      initializer[0].dataLocation = 1;
      initializer[0].externalData = [{ key: 'location', value: 'weights.bin' }];
    });
    const graph = read(bytes);
    expect(graph.tensors.get('weight')).toEqual({
      name: 'weight',
      type: 'float32',
      shape: [4, 3, 3, 3],
      constant: true,
    });
    expect(graph.tensors.get('output')!.shape).toEqual([1, 144]);
  });

  test('bindings, by name and by position', () => {
    const bytes = changed((graph) => {
      setDimension(graph, 0, { dimParam: 'batch' });
      setDimension(graph, 2, {});
    });
    const graph = read(bytes, { bindings: { batch: 2, 'input.2': 10 } });
    expect(graph.tensors.get('convolved')!.shape).toEqual([2, 4, 8, 6]);
  });

  test('initializers that are listed among the inputs', () => {
    const bytes = changed(({ input }) => input.push({ ...input[0], name: 'weight' }));
    expect(read(bytes).inputs).toEqual(['input']);
  });

  test('values in the typed lists, and numbers of 8 bytes', () => {
    const bytes = changed(({ initializer }) => {
      initializer[1] = { name: 'target', dims: [2], dataType: ELEMENT_TYPES.int64, int64Data: [-1, 72] };
      initializer.push({
        name: 'doubles',
        dims: [2],
        dataType: ELEMENT_TYPES.float64,
        rawData: new Uint8Array(Float64Array.of(0.1, -3).buffer),
      });
    });
    const { tensors } = read(bytes);
    expect(tensors.get('output')!.shape).toEqual([2, 72]);
    expect(tensors.get('doubles')).toMatchObject({ type: 'float64', values: [0.1, -3] });
  });
});
