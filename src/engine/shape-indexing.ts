/**
 * Shape rules of ops that pick, sort or scatter elements, of recurrent layers, and of ops that sample images.
 */
import type { ElementType } from './graph';
import { sameAsFirst } from './shape-elementwise';
import type { InferredTensor, OpReader, ShapeRule } from './shape-reader';

const topK: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const axis = op.axis(op.integer('axis', -1), shape.length);
  // Up to operator set 9 an attribute, afterwards an input.
  const count = op.inputCount > 1 ? op.values(1)[0] : op.integer('k', 0);
  if (!(count >= 0 && count <= shape[axis])) throw op.invalid(`k is ${count}, axis ${axis} of [${shape}] is shorter`);
  const kept = shape.map((size, i) => (i === axis ? count : size));
  return [
    { type, shape: kept },
    { type: 'int64', shape: kept },
  ];
};

const oneHot: ShapeRule = (op) => {
  const indices = op.shape(0);
  const axis = op.axis(op.integer('axis', -1), indices.length + 1);
  return [{ type: op.input(2).type, shape: [...indices.slice(0, axis), op.values(1)[0], ...indices.slice(axis)] }];
};

const gatherElements: ShapeRule = (op) => [{ type: op.input(0).type, shape: op.shape(1, op.shape(0).length) }];

const gatherND: ShapeRule = (op) => {
  const [data, indices] = [op.shape(0), op.shape(1)];
  const batch = op.integer('batch_dims', 0);
  const depth = indices[indices.length - 1];
  if (!(batch >= 0 && batch < indices.length && batch + depth <= data.length))
    throw op.invalid(`indices [${indices}] with ${batch} batch dimensions do not fit data [${data}]`);
  return [{ type: op.input(0).type, shape: [...indices.slice(0, -1), ...data.slice(batch + depth)] }];
};

const det: ShapeRule = (op) => [{ type: op.input(0).type, shape: op.shape(0).slice(0, -2) }];

/** Recurrent layers: all steps, the last step, and for an LSTM the last cell. */
function recurrent(op: OpReader): readonly InferredTensor[] {
  const type = op.input(0).type;
  const batchFirst = op.integer('layout', 0) === 1;
  const [first, second] = op.shape(0, 3);
  const [steps, batch] = batchFirst ? [second, first] : [first, second];
  const [directions, , hidden] = op.shape(2, 3);
  const last: InferredTensor = {
    type,
    shape: batchFirst ? [batch, directions, hidden] : [directions, batch, hidden],
  };
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  return [{ type, shape: all }, last, last];
}

const gridSample: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const grid = op.shape(1, shape.length);
  return [{ type, shape: [shape[0], shape[1], ...grid.slice(1, -1)] }];
};

const affineGrid: ShapeRule = (op) => {
  const [batch, , ...spatial] = op.values(1);
  return [{ type: op.input(0).type, shape: [batch, ...spatial, spatial.length] }];
};

const roiAlign: ShapeRule = (op) => {
  const size = [op.integer('output_height', 1), op.integer('output_width', 1)];
  return [{ type: op.input(0).type, shape: [op.shape(1, 2)[0], op.shape(0, 4)[1], ...size] }];
};

const centerCropPad: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const sizes = op.values(1);
  const axes = op.integers('axes')?.map((axis) => op.axis(axis, shape.length)) ?? shape.map((_, i) => i);
  if (sizes.length !== axes.length) throw op.invalid(`sizes [${sizes}] do not fit ${axes.length} axes`);
  const changed = [...shape];
  axes.forEach((axis, i) => {
    changed[axis] = sizes[i];
  });
  return [{ type, shape: changed }];
};

const columnsToImage: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const [image, block] = [op.values(1), op.values(2)];
  const channels = shape[1] / block.reduce((a, b) => a * b, 1);
  return [{ type, shape: [shape[0], channels, ...image] }];
};

/** A tensor of numbers drawn at random. */
const drawn: ShapeRule = (op) => [
  { type: op.text('dtype', 'float32') as ElementType, shape: op.integers('shape') ?? [] },
];

export const INDEXING_RULES: Readonly<Record<string, ShapeRule>> = {
  TopK: topK,
  OneHot: oneHot,
  GatherElements: gatherElements,
  GatherND: gatherND,
  'com.microsoft.GatherND': gatherND,
  Scatter: sameAsFirst,
  ScatterElements: sameAsFirst,
  ScatterND: sameAsFirst,
  TensorScatter: sameAsFirst,
  Det: det,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  GridSample: gridSample,
  'com.microsoft.GridSample': gridSample,
  AffineGrid: affineGrid,
  RoiAlign: roiAlign,
  CenterCropPad: centerCropPad,
  Col2Im: columnsToImage,
  RandomNormal: drawn,
  RandomUniform: drawn,
};
