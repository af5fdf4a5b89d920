/**
 * Which dimensions each type of op ties to each other: the table behind what-if-ties.ts. Sizes that an op computes of
 * others (a concatenation's, an image's behind a stride) are left out.
 */
import type { Graph, Op } from './graph';
import { ARITHMETIC_RULES } from './shape-arithmetic';
import { ELEMENTWISE_RULES } from './shape-elementwise';
import { OpReader } from './shape-reader';
import { CONVOLUTIONS, channelAxis, DimensionTies, reshapeGroups } from './what-if-ties';

/** What an op's tie rule works with. */
interface Tying {
  readonly graph: Graph;
  readonly op: Op;
  readonly reader: OpReader;
  shape(tensor: string | undefined): readonly number[];
  /** Ties two dimensions, if both tensors are there. */
  tie(a: string | undefined, axisOfA: number, b: string | undefined, axisOfB: number): void;
}

type TieRule = (tying: Tying) => void;

/** All axes of input and output, where they are of one size. */
const same: TieRule = ({ op, shape, tie }) => {
  const [from, to] = [shape(op.inputs[0]), shape(op.outputs[0])];
  if (from.length !== to.length) return;
  from.forEach((size, axis) => {
    if (size === to[axis]) tie(op.inputs[0], axis, op.outputs[0], axis);
  });
};

/** Inputs that broadcast: dimensions of one size, from the last. A 1 stays a 1, whatever the others become. */
const broadcasting: TieRule = ({ op, shape, tie }) => {
  const [output] = op.outputs;
  const to = shape(output);
  for (const input of op.inputs) {
    const from = shape(input);
    from.forEach((size, axis) => {
      const at = to.length - from.length + axis;
      if (size > 1 && size === to[at]) tie(input, axis, output, at);
    });
  }
};

const convolution: TieRule = ({ graph, op, shape, tie, reader }) => {
  const { weight: weightAt, bias, scales } = CONVOLUTIONS[op.type];
  const [input, weight, output] = [op.inputs[0], op.inputs[weightAt], op.outputs[0]];
  const axis = channelAxis(graph, shape(input).length);
  const groups = reader.integer('group', 1);
  const channels = shape(input)[axis];
  tie(input, 0, output, 0);
  tie(weight, 0, output, axis);
  tie(op.inputs[bias], 0, output, axis);
  for (const each of scales ?? []) tie(op.inputs[each], 0, weight, 0);
  if (groups === 1) tie(weight, 1, input, axis);
  // One filter a channel: as many channels go out as come in.
  else if (groups === channels && shape(weight)[0] === channels) tie(input, axis, output, axis);
};

const transposedConvolution: TieRule = ({ graph, op, shape, tie, reader }) => {
  const [input, weight, bias] = op.inputs;
  const axis = channelAxis(graph, shape(input).length);
  tie(input, 0, op.outputs[0], 0);
  tie(weight, 0, input, axis);
  if (reader.integer('group', 1) === 1) tie(weight, 1, op.outputs[0], axis);
  tie(bias, 0, op.outputs[0], axis);
};

/** Images and channels stay. */
const channelwise: TieRule = ({ graph, op, shape, tie }) => {
  const axis = channelAxis(graph, shape(op.inputs[0]).length);
  for (const each of [0, axis]) {
    if (shape(op.inputs[0])[each] === shape(op.outputs[0])[each]) tie(op.inputs[0], each, op.outputs[0], each);
  }
};

/** Vectors with a number for each channel behind the first input. */
const normalizing: TieRule = (tying) => {
  same(tying);
  const { graph, op, shape, tie } = tying;
  const axis = channelAxis(graph, shape(op.inputs[0]).length);
  const channels = shape(op.inputs[0])[axis];
  for (const each of op.inputs.slice(1)) if (shape(each)[0] === channels) tie(each, 0, op.inputs[0], axis);
};

/** Scales and zero points of one axis. */
const quantizing: TieRule = (tying) => {
  same(tying);
  const { op, shape, tie, reader } = tying;
  const rank = shape(op.inputs[0]).length;
  if (rank === 0) return;
  const given = reader.integer('axis', 1);
  const axis = given < rank ? reader.axis(given, rank) : 0;
  for (const each of op.inputs.slice(1)) {
    if (shape(each).length === 1 && shape(each)[0] > 1) tie(each, 0, op.inputs[0], axis);
  }
};

const layerNormalizing: TieRule = (tying) => {
  same(tying);
  broadcasting(tying);
};

const gemm: TieRule = ({ op, shape, tie, reader }) => {
  const [a, b, c] = op.inputs;
  const [y] = op.outputs;
  const last = shape(y).length - 1;
  tie(b, reader.integer('transB', 0) ? 0 : 1, y, last);
  if (shape(a).length === 2) {
    const flipped = reader.integer('transA', 0);
    tie(a, flipped ? 0 : 1, b, reader.integer('transB', 0) ? 1 : 0);
    tie(a, flipped ? 1 : 0, y, 0);
  }
  const rank = shape(c).length;
  if (rank > 0 && shape(c)[rank - 1] === shape(y)[last]) tie(c, rank - 1, y, last);
};

const product: TieRule = ({ op, shape, tie, reader }) => {
  const [a, b] = op.inputs;
  const [y] = op.outputs;
  const [ranks, last] = [[shape(a).length, shape(b).length], shape(y).length - 1];
  if (Math.min(...ranks) < 2) return;
  const [rows, depth] = reader.integer('transA', 0) ? [ranks[0] - 1, ranks[0] - 2] : [ranks[0] - 2, ranks[0] - 1];
  const [depthOfB, columns] = reader.integer('transB', 0) ? [ranks[1] - 1, ranks[1] - 2] : [ranks[1] - 2, ranks[1] - 1];
  tie(a, depth, b, depthOfB);
  tie(a, rows, y, last - 1);
  tie(b, columns, y, last);
  [a, b].forEach((input, i) => {
    for (let back = 3; back <= ranks[i]; back++) {
      const [from, to] = [ranks[i] - back, last + 1 - back];
      if (shape(input)[from] > 1) tie(input, from, y, to);
    }
  });
};

/** All axes but the one that is joined, or cut. */
const besides: TieRule = ({ op, shape, tie, reader }) => {
  const rank = shape(op.inputs[0]).length;
  const joined = reader.axis(reader.integer('axis', 0), rank);
  for (const from of op.inputs) {
    for (const to of op.outputs) {
      for (let axis = 0; axis < rank; axis++)
        if (axis !== joined && shape(from).length === rank) tie(from, axis, to, axis);
    }
  }
};

const transposed: TieRule = ({ op, shape, tie, reader }) => {
  const rank = shape(op.inputs[0]).length;
  const order = reader.integers('perm') ?? shape(op.inputs[0]).map((_, i) => rank - 1 - i);
  order.forEach((from, to) => {
    tie(op.inputs[0], from, op.outputs[0], to);
  });
};

/** Dimensions that a reshape leaves whole, and those that only get ones around them. */
const reshaped: TieRule = ({ op, shape, tie }) => {
  const [from, to] = [shape(op.inputs[0]), shape(op.outputs[0])];
  for (const { inputs, outputs } of reshapeGroups(from, to)) {
    const whole = outputs.filter((axis) => to[axis] === from[inputs[0]]);
    const others = outputs.filter((axis) => !whole.includes(axis));
    if (inputs.length === 1 && whole.length === 1 && others.every((axis) => to[axis] === 1)) {
      tie(op.inputs[0], inputs[0], op.outputs[0], whole[0]);
    }
  }
};

/** Axes that are not reduced. */
const reduced: TieRule = ({ op, shape, tie, reader }) => {
  const [from, to] = [shape(op.inputs[0]), shape(op.outputs[0])];
  const named = reader.integers('axes') ?? reader.optionalInput(1)?.values ?? from.map((_, axis) => axis);
  const axes = new Set(named.map((axis) => reader.axis(axis, from.length)));
  const kept = from.flatMap((_, axis) => (axes.has(axis) ? [] : [axis]));
  kept.forEach((axis, i) => {
    tie(op.inputs[0], axis, op.outputs[0], to.length === from.length ? axis : i);
  });
};

const gathered: TieRule = ({ op, shape, tie, reader }) => {
  const [data, indices] = op.inputs;
  const rank = shape(data).length;
  const axis = reader.axis(reader.integer('axis', 0), rank);
  for (let each = 0; each < rank; each++) {
    if (each !== axis) tie(data, each, op.outputs[0], each < axis ? each : each - 1 + shape(indices).length);
  }
};

/** Axes that keep their size in ops that pad, cut or resize some. */
const untouched: TieRule = ({ graph, op, shape, tie }) => {
  const [from, to] = [shape(op.inputs[0]), shape(op.outputs[0])];
  if (from.length !== to.length) return;
  const channels = from.length > 2 ? channelAxis(graph, from.length) : -1;
  for (const axis of [0, channels])
    if (axis >= 0 && from[axis] === to[axis]) tie(op.inputs[0], axis, op.outputs[0], axis);
};

const BROADCASTING = [
  ...[
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Max',
    'Min',
    'Mod',
    'Pow',
    'Where',
    'PRelu',
    'Sum',
    'Mean',
    'Equal',
    'Greater',
    'Less',
  ],
  ...['GreaterOrEqual', 'LessOrEqual', 'And', 'Or', 'Xor', 'com.microsoft.BiasGelu'],
  ...['SquaredDifference', 'FloorDiv', 'Atan2', 'NotEqual'].map((name) => `tflite.${name}`),
];

const of = (types: readonly string[], rule: TieRule) => Object.fromEntries(types.map((type) => [type, rule]));

const RULES: Readonly<Record<string, TieRule>> = {
  ...of(Object.keys(ARITHMETIC_RULES), same),
  ...of(Object.keys(ELEMENTWISE_RULES), same),
  ...of(['Identity', 'Cast'], same),
  ...of(['QuantizeLinear', 'DequantizeLinear'], quantizing),
  ...of(
    ['Rsqrt', 'Square', 'ZerosLike', 'FakeQuant', 'SignBit'].map((name) => `tflite.${name}`),
    same,
  ),
  ...of(BROADCASTING, broadcasting),
  ...of(['Constant', 'Shape', 'Size', 'ConstantOfShape', 'Range', 'ArgMax', 'ArgMin'], () => {}),
  ...of(Object.keys(CONVOLUTIONS), convolution),
  ConvTranspose: transposedConvolution,
  ...of(['AveragePool', 'MaxPool', 'LpPool', 'GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'], channelwise),
  ...of(['BatchNormalization', 'InstanceNormalization', 'GroupNormalization'], normalizing),
  ...of(['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization'], layerNormalizing),
  Gemm: gemm,
  MatMul: product,
  ...of(['Concat', 'Split'], besides),
  Transpose: transposed,
  ...of(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'], reshaped),
  ...of(
    ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
      (name) => `Reduce${name}`,
    ),
    reduced,
  ),
  Gather: gathered,
  ...of(['Pad', 'Slice', 'Resize', 'Upsample', 'DepthToSpace', 'SpaceToDepth'], untouched),
};

/**
 * The ties of a graph. Ops that no rule knows tie nothing: a change that reaches one is then refused by its shape rule,
 * unless it fits.
 *
 * @param ungrouped names of convolutions whose groups are set: their channels are not tied to their input's
 */
export function tieDimensions(graph: Graph, ungrouped: ReadonlySet<string>): DimensionTies {
  const ties = new DimensionTies(graph);
  const there = (tensor: string | undefined): tensor is string => !!tensor && graph.tensors.has(tensor);
  const shape = (tensor: string | undefined) => (there(tensor) ? graph.tensors.get(tensor)!.shape : []);
  const tie: Tying['tie'] = (a, axisOfA, b, axisOfB) => {
    if (axisOfA < shape(a).length && axisOfB < shape(b).length) ties.tie(a!, axisOfA, b!, axisOfB);
  };
  for (const op of graph.ops) {
    const reader = new OpReader(op, graph.tensors);
    if (ungrouped.has(op.name)) tieFilters(graph, op, shape, tie);
    else RULES[op.type]?.({ graph, op, reader, shape, tie });
  }
  return ties;
}

/** What is tied in a convolution whatever its groups are. */
function tieFilters(graph: Graph, op: Op, shape: Tying['shape'], tie: Tying['tie']): void {
  const { weight, bias, scales = [] } = CONVOLUTIONS[op.type];
  const axis = channelAxis(graph, shape(op.outputs[0]).length);
  tie(op.inputs[0], 0, op.outputs[0], 0);
  for (const each of [weight, bias, ...scales]) tie(op.inputs[each], 0, op.outputs[0], axis);
}
