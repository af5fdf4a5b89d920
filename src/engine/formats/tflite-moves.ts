/**
 * TFLite's operators that move, cut, join and pad values, in ONNX's words. Inputs that only say where (axes, sizes, pads)
 * become attributes. Sources: tensorflow/lite/kernels/strided_slice.cc, pad.cc, pack.cc, split.cc, gather.cc.
 */
import type { InferredTensor } from '../shape-reader';
import { gathered, stridesOf } from '../shape-values';
import type { OperatorReader, Translation } from './tflite-operator-reader';
import {
  ConcatenationOptions,
  GatherOptions,
  LIST_OPTIONS,
  MirrorPadOptions,
  PackOptions,
  ReducerOptions,
  StridedSliceOptions,
  UnpackOptions,
} from './tflite-schema';

/** "To the end" of a slice, whichever way it goes. */
const END = 2 ** 31 - 1;

export function concatenation(op: OperatorReader): Translation {
  const axis = op.axis(op.option(ConcatenationOptions, 'axis'), op.shape(0).length);
  const activation = op.option(ConcatenationOptions, 'activation');
  return { type: 'Concat', inputs: op.operator.inputs, attributes: { axis }, activation };
}

/** TFLite pads each dimension before and after; ONNX lists all befores, then all afters. */
export function pad(mode: (op: OperatorReader) => string): (op: OperatorReader) => Translation {
  return (op): Translation => {
    const { type, shape } = op.input(0);
    const pairs = op.knownValues(1);
    if (!pairs) return { type: 'Pad', inputs: op.inputs(0, 1, 2), attributes: { mode: mode(op) } };
    if (pairs.length !== 2 * shape.length) throw op.invalid(`pads [${pairs}] do not fit ${shape.length} dimensions`);
    const before = shape.map((_, i) => pairs[2 * i]);
    const after = shape.map((_, i) => pairs[2 * i + 1]);
    // Without the pads, which are an attribute; PADV2 also says with what to pad.
    const inputs = op.has(2) ? [...op.inputs(0), -1, ...op.inputs(2)] : op.inputs(0);
    return {
      type: 'Pad',
      inputs,
      attributes: { pads: [...before, ...after], mode: mode(op) },
      infer: () => [{ type, shape: shape.map((size, i) => size + before[i] + after[i]) }],
    };
  };
}

export function mirrorPadMode(op: OperatorReader): string {
  // ONNX has no symmetric mode of Pad; runtimes that do name it so.
  return op.option(MirrorPadOptions, 'mode') === 0 ? 'reflect' : 'symmetric';
}

/** RESHAPE has its target as an input, or as an option in old files. */
export function reshape(op: OperatorReader): Translation {
  const given = op.has(1) ? op.input(1).values : op.listOption(LIST_OPTIONS.newShape);
  if (!given) return { type: 'Reshape', inputs: op.inputs(0, 1) };
  // A 0 is a dimension of no elements here, not ONNX's "as it was".
  return { type: 'Reshape', inputs: op.inputs(0), attributes: { shape: [...given], allowzero: 1 } };
}

/** Another shape by leaving dimensions of 1 out or in. */
function reshapedTo(op: OperatorReader, shape: readonly number[]): Translation {
  const { type, values } = op.input(0);
  return {
    type: 'Reshape',
    inputs: op.inputs(0),
    attributes: { shape: [...shape] },
    infer: () => [{ type, shape, values }],
  };
}

export function squeeze(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const listed = op.listOption(LIST_OPTIONS.squeezeDims) ?? [];
  const named = new Set(listed.map((axis) => op.axis(axis, shape.length)));
  const leaves = (size: number, axis: number) => (named.size > 0 ? named.has(axis) : size === 1);
  if (shape.some((size, axis) => leaves(size, axis) && size !== 1)) {
    throw op.invalid(`dimensions ${listed} of [${shape}] are not all 1`);
  }
  return reshapedTo(
    op,
    shape.filter((size, axis) => !leaves(size, axis)),
  );
}

export function expandDims(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const axis = op.axis(op.values(1)[0], shape.length + 1);
  return reshapedTo(op, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
}

export function transpose(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const perm = op.values(1).map((axis) => op.axis(axis, shape.length));
  if (perm.length !== shape.length || new Set(perm).size !== perm.length) {
    throw op.invalid(`permutation [${perm}] does not fit [${shape}]`);
  }
  return { type: 'Transpose', inputs: op.inputs(0), attributes: { perm } };
}

export function reduce(type: string): (op: OperatorReader) => Translation {
  return (op) => {
    const { type: element, shape, values } = op.input(0);
    const axes = [...new Set(op.values(1).map((axis) => op.axis(axis, shape.length)))].sort((a, b) => a - b);
    const keepdims = op.option(ReducerOptions, 'keepDims');
    const reduced = shape.flatMap((size, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [size]));
    // The elements of a shape are multiplied where a tensor is flattened.
    const isProduct = type === 'ReduceProd' && values && shape.length === 1 && axes.length === 1;
    const product = isProduct ? [values.reduce((a, b) => a * b, 1)] : undefined;
    return {
      type,
      inputs: op.inputs(0),
      attributes: { axes, keepdims },
      // ONNX reads no axes as all axes, TFLite as none.
      infer: () => [{ type: element, shape: reduced, values: product }],
    };
  };
}

export function argument(type: 'ArgMax' | 'ArgMin'): (op: OperatorReader) => Translation {
  return (op) => {
    const axis = op.axis(op.values(1)[0], op.shape(0).length);
    return { type, inputs: op.inputs(0), attributes: { axis, keepdims: 0 } };
  };
}

/** One dimension of a slice. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** SLICE: begin and size of every dimension; a size of -1 reaches to the end. */
export function slice(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const [begin, size] = [op.knownValues(1), op.knownValues(2)];
  if (!begin || !size) return { type: 'Slice', inputs: op.inputs(0, 1, 2) };
  if (begin.length !== shape.length || size.length !== shape.length) {
    throw op.invalid(`begin [${begin}] and size [${size}] do not fit [${shape}]`);
  }
  const cuts = begin.map((start, i) => ({ start, end: size[i] === -1 ? shape[i] : start + size[i], step: 1 }));
  return sliced(op, cuts, () => true);
}

/**
 * STRIDED_SLICE: NumPy's indexing as five bit masks. A bit of shrinkAxisMask takes one element and drops the dimension,
 * of newAxisMask adds a dimension, of ellipsisMask stands for all dimensions that are not spoken of.
 */
export function stridedSlice(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const [begin, end, strides] = [op.knownValues(1), op.knownValues(2), op.knownValues(3)];
  if (!begin || !end || !strides) return { type: 'Slice', inputs: op.inputs(0, 1, 2, 3) };
  const bit = (mask: 'beginMask' | 'endMask' | 'ellipsisMask' | 'newAxisMask' | 'shrinkAxisMask', i: number) =>
    ((op.option(StridedSliceOptions, mask) >> i) & 1) === 1;
  if (end.length !== begin.length || strides.length !== begin.length || strides.includes(0) || begin.length > 31) {
    throw op.invalid(`begin [${begin}], end [${end}] and strides [${strides}] do not fit each other`);
  }
  const added = begin.filter((_, i) => bit('newAxisMask', i)).length;
  const cuts: Cut[] = [];
  /** What becomes of the dimensions, in order: kept, dropped, or a new one. */
  const fates: ('kept' | 'dropped' | 'new')[] = [];
  const keep = (cut: Cut) => {
    cuts.push(cut);
    fates.push('kept');
  };
  const whole: Cut = { start: 0, end: END, step: 1 };
  begin.forEach((from, i) => {
    if (bit('ellipsisMask', i)) {
      for (let left = shape.length - (begin.length - 1 - added); left > 0; left--) keep(whole);
    } else if (bit('newAxisMask', i)) {
      fates.push('new');
    } else if (bit('shrinkAxisMask', i)) {
      cuts.push({ start: from, end: from === -1 ? END : from + 1, step: 1 });
      fates.push('dropped');
    } else {
      const step = strides[i];
      const start = bit('beginMask', i) ? (step > 0 ? 0 : END) : from;
      const to = op.option(StridedSliceOptions, 'offset') === 1 ? from + end[i] : end[i];
      keep({ start, end: bit('endMask', i) ? (step > 0 ? END : -END) : to, step });
    }
  });
  while (cuts.length < shape.length) keep(whole);
  if (cuts.length > shape.length) throw op.invalid(`begin [${begin}] speaks of more dimensions than [${shape}] has`);
  return sliced(op, cuts, (axis) => fates.filter((fate) => fate !== 'new')[axis] === 'kept', fates);
}

function sliced(
  op: OperatorReader,
  cuts: readonly Cut[],
  isKept: (axis: number) => boolean,
  fates?: readonly ('kept' | 'dropped' | 'new')[],
): Translation {
  const { type, shape, values } = op.input(0);
  const axes = shape.map((_, axis) => axis);
  const attributes = {
    starts: cuts.map(({ start }) => start),
    ends: cuts.map(({ end }) => end),
    axes,
    steps: cuts.map(({ step }) => step),
  };
  const infer = (): InferredTensor[] => {
    const [firsts, sizes] = [axes.map(() => 0), axes.map(() => 0)];
    cuts.forEach(({ start, end, step }, axis) => {
      const size = shape[axis];
      const bound = (value: number, low: number, high: number) =>
        Math.min(Math.max(value < 0 ? value + size : value, low), high);
      const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
      firsts[axis] = bound(start, Math.max(low, 0), high);
      sizes[axis] = Math.max(0, Math.ceil((bound(end, low, high) - firsts[axis]) / step));
    });
    const strides = stridesOf(shape);
    const taken = gathered(values, sizes, (index) =>
      index.reduce((sum, at, axis) => sum + (firsts[axis] + at * cuts[axis].step) * strides[axis], 0),
    );
    let next = 0;
    const result = fates
      ? fates.flatMap((fate) => (fate === 'new' ? [1] : isKept(next++) ? [sizes[next - 1]] : []))
      : sizes;
    return [{ type, shape: result, values: taken }];
  };
  return { type: 'Slice', inputs: op.inputs(0), attributes, infer };
}

/** SPLIT reads [axis, input], and cuts into equal parts. */
export function split(op: OperatorReader): Translation {
  const axis = op.axis(op.values(0)[0], op.shape(1).length);
  return { type: 'Split', inputs: op.inputs(1), attributes: { axis, num_outputs: op.operator.outputs.length } };
}

/** SPLIT_V reads [input, sizes, axis]; one size may be -1, the rest. */
export function splitV(op: OperatorReader): Translation {
  const shape = op.shape(0);
  const axis = op.axis(op.values(2)[0], shape.length);
  const sizes = op.values(1);
  const known = sizes.reduce((sum, size) => sum + Math.max(0, size), 0);
  const parts = sizes.map((size) => (size === -1 ? shape[axis] - known : size));
  return { type: 'Split', inputs: op.inputs(0), attributes: { axis, split: parts } };
}

/** Joins tensors along a new dimension. */
export function pack(op: OperatorReader): Translation {
  const parts = op.operator.inputs.map((_, place) => op.input(place));
  const { type, shape } = parts[0];
  const axis = op.axis(op.option(PackOptions, 'axis'), shape.length + 1);
  const infer = (): InferredTensor[] => {
    if (parts.some((part) => String(part.shape) !== String(shape))) throw op.invalid('the inputs differ in shape');
    const known = shape.length === 0 && parts.every(({ values }) => values);
    return [
      {
        type,
        shape: [...shape.slice(0, axis), parts.length, ...shape.slice(axis)],
        values: known ? parts.flatMap(({ values }) => values!) : undefined,
      },
    ];
  };
  return { type: 'tflite.Pack', inputs: op.operator.inputs, attributes: { axis }, infer };
}

/** Takes a tensor apart along a dimension. */
export function unpack(op: OperatorReader): Translation {
  const { type, shape, values } = op.input(0);
  const axis = op.axis(op.option(UnpackOptions, 'axis'), shape.length);
  const infer = (): InferredTensor[] => {
    const part = shape.filter((_, i) => i !== axis);
    return op.operator.outputs.map((_, i) => ({
      type,
      shape: part,
      values: part.length === 0 && values ? [values[i]] : undefined,
    }));
  };
  return { type: 'tflite.Unpack', inputs: op.inputs(0), attributes: { axis }, infer };
}

export function gather(op: OperatorReader): Translation {
  const [data, indices] = [op.shape(0), op.shape(1)];
  const axis = op.axis(op.option(GatherOptions, 'axis'), data.length);
  const batch = op.option(GatherOptions, 'batchDims');
  const batchDims = batch < 0 ? batch + indices.length : batch;
  if (batchDims === 0) return { type: 'Gather', inputs: op.inputs(0, 1), attributes: { axis } };
  if (batchDims < 0 || batchDims > axis || batchDims > indices.length) {
    throw op.invalid(`batch dimensions ${batch} do not fit [${data}] and [${indices}] on axis ${axis}`);
  }
  const shape = [...data.slice(0, axis), ...indices.slice(batchDims), ...data.slice(axis + 1)];
  return {
    type: 'tflite.BatchGather',
    inputs: op.inputs(0, 1),
    attributes: { axis, batch_dims: batchDims },
    infer: () => [{ type: op.output().type, shape }],
  };
}
