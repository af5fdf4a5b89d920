/** The form that all kernel models have, and the columns that a linear one reads. */
import { deriveFeatures, type KernelFeatures, termValue } from '../../src/engine/features';
import { columnMatrix, linearModel, predictKernels, withRegressor } from '../../src/engine/kernel-model';
import { isElementwise, linearColumns, unitOf } from '../../src/engine/linear-columns';

function kernel(given: Partial<KernelFeatures>): KernelFeatures {
  const base = {
    inputHeight: 4,
    inputWidth: 4,
    inputChannels: 8,
    outputHeight: 4,
    outputWidth: 4,
    outputChannels: 8,
    kernelHeight: 1,
    kernelWidth: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilation: 1,
    groups: 1,
    paddingHeight: 0,
    paddingWidth: 0,
    inputs: 1,
    inputElements: 128,
    outputElements: 128,
    weightElements: 0,
    multiplyAccumulates: 0,
    fusedOps: 0,
  };
  return deriveFeatures({ ...base, ...given });
}

describe('a model', () => {
  const linear = linearModel([{ term: 'kernels' }, { term: 'outputElements' }], [2, 0.5], 5);
  const kernels = [kernel({ outputElements: 10 }), kernel({ outputElements: 1 })];

  test('reads its columns, one row a kernel', () => {
    const { rows, columns, values } = columnMatrix(linear.columns, kernels);
    expect({ rows, columns, values: [...values] }).toEqual({ rows: 2, columns: 2, values: [1, 10, 1, 1] });
    expect(columnMatrix(linear.columns, []).rows).toBe(0);
  });

  test('is a weighted sum, and never below its floor', () => {
    expect([...predictKernels(linear, kernels)]).toEqual([7, 5]);
    expect([...predictKernels(linearModel(linear.columns, [2, 0.5], 0), kernels)]).toEqual([7, 2.5]);
  });

  test('is multiplied by e to the power of its factor', () => {
    // One split on the second column: up to 4 elements ln 2, above ln 3.
    const trees = {
      baseline: 0,
      columns: 2,
      trees: [
        {
          feature: Int32Array.of(1, -1, -1),
          threshold: Float32Array.of(4, 0, 0),
          left: Int32Array.of(1, 0, 0),
          right: Int32Array.of(2, 0, 0),
          value: Float32Array.of(0, Math.log(2), Math.log(3)),
        },
      ],
    };
    const factor = { columns: linear.columns, regressor: { form: 'trees', reads: [0, 1], ensemble: trees } as const };
    const [above, below] = predictKernels(withRegressor(linear, 'factor', factor), kernels);
    expect(above).toBeCloseTo(21, 5);
    expect(below).toBeCloseTo(10, 5);
  });
});

describe('columns of a kind', () => {
  test('without weights: traffic, and no column that is always zero', () => {
    const terms = linearColumns([kernel({ inputElements: 0 })]).map(({ term }) => term);
    expect(terms).toEqual(['kernels', 'activationElements', 'outputElements']);
  });

  test('with weights: what all windows, each size and each stride cost', () => {
    const conv = { weightElements: 72, multiplyAccumulates: 1000 };
    const kernels = [
      kernel({ ...conv, kernelHeight: 3 }),
      kernel({ ...conv, kernelHeight: 1 }),
      kernel({ ...conv, kernelHeight: 3, strideHeight: 2 }),
    ];
    const columns = linearColumns(kernels);
    const windows = new Set(columns.map(({ window }) => JSON.stringify(window)));
    expect([...windows]).toEqual([
      undefined,
      '{"kernelHeight":1}',
      '{"kernelHeight":1,"strideHeight":1}',
      '{"kernelHeight":3}',
      '{"kernelHeight":3,"strideHeight":1}',
      '{"kernelHeight":3,"strideHeight":2}',
    ]);
    // Every column tells something of some kernel, and none is negative: weights can be non-negative.
    for (const column of columns) {
      const values = kernels.map((each) => termValue(column, each));
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values)).toBeGreaterThan(0);
    }
  });

  test('the order of kernels does not matter', () => {
    const kernels = [3, 1, 5].map((size) => kernel({ kernelHeight: size, weightElements: 9, multiplyAccumulates: 9 }));
    expect(linearColumns(kernels)).toEqual(linearColumns([...kernels].reverse()));
  });
});

test('units say which columns measure alike', () => {
  expect(unitOf({ term: 'kernels', window: { kernelHeight: 3 } })).toBe('kernels');
  expect(unitOf({ term: 'weightElements' })).toBe('weights');
  expect(unitOf({ term: 'inputElements' })).toBe(unitOf({ term: 'activationElements' }));
  expect(unitOf({ term: 'roofline16' })).toBe(unitOf({ term: 'multiplyAccumulates' }));
});

test('elementwise kinds stream through memory', () => {
  expect(['add', 'relu', 'hard_sigmoid'].every(isElementwise)).toBe(true);
  expect(['convolution', 'concat', 'max_pool'].some(isElementwise)).toBe(false);
});
