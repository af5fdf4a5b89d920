/**
 * Columns and bounds read from a feature matrix, against their definitions on objects.
 */
import { ColumnReader, FeatureBounds, featureMatrix } from '../../src/engine/feature-matrix';
import { type Column, deriveFeatures, FEATURE_NAMES, type KernelFeatures, termValue } from '../../src/engine/features';
import { createRandom } from '../../src/engine/random';

const random = createRandom(1);
const kernels = Array.from({ length: 40 }, (): KernelFeatures => {
  const drawn = Object.fromEntries(FEATURE_NAMES.map((name) => [name, random.below(5000)])) as KernelFeatures;
  return deriveFeatures({ ...drawn, kernelHeight: 1 + random.below(3), strideHeight: 1 + random.below(2) });
});
const matrix = featureMatrix(kernels);

test('columns are what termValue says, for the rows asked for', () => {
  const terms = [...FEATURE_NAMES, 'kernels'] as const;
  const windows = [undefined, { kernelHeight: 3 }, { kernelHeight: 2, strideHeight: 1 }];
  const columns = terms.flatMap((term) => windows.map((window): Column => ({ term, window })));
  const reader = new ColumnReader(columns);
  expect(reader.columns).toBe(columns.length);
  const rows = [7, 0, 39, 7];
  const values = new Float32Array(1 + rows.length * columns.length);
  expect(reader.read(matrix, rows, values, 1)).toBe(values.length);
  const expected = rows.flatMap((row) => columns.map((column) => Math.fround(termValue(column, kernels[row]))));
  expect([...values]).toEqual([0, ...expected]);
});

test('a column that is no feature is refused', () => {
  const columns = [{ term: 'weightBytes' }] as unknown as Column[];
  expect(() => new ColumnReader(columns)).toThrow(
    expect.objectContaining({ code: 'INVALID_PREDICTOR', message: expect.stringContaining('weightBytes') }),
  );
});

test.each([
  [0.96, 'inside the margin below', true],
  [0.94, 'below', false],
  [2.09, 'inside the margin above', true],
  [2.11, 'above', false],
])('a kernel of %d of the bound (%s) is held: %p', (factor, _, isHeld) => {
  const bounds = new FeatureBounds({ inputChannels: [100, 100], inputHeight: [10, 20] }, 0.05);
  const kernel = { ...kernels[0], inputChannels: 100, inputHeight: 10 * factor };
  expect(bounds.holds(featureMatrix([kernels[1], kernel]), 1)).toBe(isHeld);
});
