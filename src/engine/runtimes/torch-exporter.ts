/**
 * What torch.onnx.export changes on a network's way from PyTorch into an ONNX file, undone: a PyTorch runtime runs the
 * model, not the file. Activations that were written out in arithmetic become one op again, and batch normalisations that
 * the exporter folded and PyTorch does not fold come back. Knows nothing of kernels.
 */
import type { Graph, Op, Tensor } from '../graph';
import type { GraphView, PrologueRule } from './rule-pack';

const EXPORTER = 'torch/onnx/symbolic_opset9.py';

/** min(max(x + 3, 0), 6): an op between two passes of rewriting, never a kernel. */
const CLIPPED = 'torch.relu6(x + 3)';
const GATED = 'torch.x * relu6(x + 3)';

/** The only value of a constant; undefined for other tensors. */
function scalar({ graph }: GraphView, name: string | undefined): number | undefined {
  const values = name ? graph.tensors.get(name)?.values : undefined;
  return values?.length === 1 ? values[0] : undefined;
}

/** What a Clip clips to, if the file says it. */
export function clipBounds(view: GraphView, clip: Op): readonly [minimum: number, maximum: number] | undefined {
  const [minimum, maximum] = [1, 2].map((index) => scalar(view, clip.inputs[index]));
  return minimum === undefined || maximum === undefined ? undefined : [minimum, maximum];
}

/** The input of a shifted clip: of x + 3 or 3 + x clipped to 0 and 6. */
function shifted(view: GraphView, add: Op, clip: Op): string | undefined {
  const side = add.inputs.findIndex((name) => scalar(view, name) === 3);
  if (side < 0 || clip.inputs[0] !== add.outputs[0] || String(clipBounds(view, clip)) !== '0,6') return undefined;
  return add.inputs[1 - side];
}

const dividesBySix = (view: GraphView, op: Op | undefined): boolean =>
  op?.type === 'Div' && scalar(view, op.inputs[1]) === 6;

/** The product's only reader divides it by 6. */
const isHardSwish = (view: GraphView, mul: Op, input: string, clipped: string): boolean => {
  const readers = view.readers(mul.outputs[0]);
  return (
    mul.inputs.includes(input) &&
    mul.inputs.includes(clipped) &&
    readers.length === 1 &&
    dividesBySix(view, readers[0]) &&
    !view.isOutput(mul.outputs[0])
  );
};

function unary(op: Op, type: string, input: string): Op {
  return { ...op, type, inputs: [input], attributes: {} };
}

/** The pieces join one by one, each only if the whole is there. */
export const WRITTEN_OUT_ACTIVATIONS: readonly PrologueRule[] = [
  {
    first: 'Add',
    into: 'Clip',
    merge: (view, add, clip) => {
      const input = shifted(view, add, clip);
      const [reader, ...others] = view.readers(clip.outputs[0]);
      if (input === undefined || others.length > 0 || view.isOutput(clip.outputs[0])) return undefined;
      const whole = dividesBySix(view, reader) || (reader && isHardSwish(view, reader, input, clip.outputs[0]));
      return whole ? unary(clip, CLIPPED, input) : undefined;
    },
    reason: 'x + 3 clipped to 0 and 6 is the middle of a hard swish or hard sigmoid',
    origin: `${EXPORTER}, hardswish and hardsigmoid; nn.Hardswish and modules that spell it out`,
  },
  {
    first: CLIPPED,
    into: 'Mul',
    merge: (_view, clipped, mul) => unary(mul, GATED, clipped.inputs[0]),
    reason: 'it is multiplied by x',
    origin: EXPORTER,
  },
  {
    first: GATED,
    into: 'Div',
    merge: (_view, gated, div) => unary(div, 'HardSwish', gated.inputs[0]),
    reason: 'x * relu6(x + 3) / 6 is one hard swish',
    origin: EXPORTER,
  },
  {
    first: CLIPPED,
    into: 'Div',
    merge: (_view, clipped, div) => unary(div, 'HardSigmoid', clipped.inputs[0]),
    reason: 'relu6(x + 3) / 6 is one hard sigmoid',
    origin: EXPORTER,
  },
];

/** What the exporter calls weights that it folded something into (eval_peephole.cpp); untouched ones keep their name. */
const FOLDED_WEIGHT = /^onnx::Conv_\d+$/;

/** Where in the module tree an op stands: `/features/unit1/activ/Relu` is `/features/unit1`, `activ/Relu`. */
function modulePath(op: Op): { caller: string; leaf: string } {
  const parts = op.name.split('/');
  return { caller: parts.slice(0, -2).join('/'), leaf: parts.slice(-2).join('/') };
}

function readersOf(graph: Graph): Map<string, Op[]> {
  const readers = new Map<string, Op[]>();
  for (const op of graph.ops) {
    for (const name of op.inputs) readers.set(name, [...(readers.get(name) ?? []), op]);
  }
  return readers;
}

/**
 * Puts back the batch normalisations of pre-activation blocks (norm, relu, conv). The exporter folds one into the
 * convolution before it wherever it finds it; PyTorch only where one module calls both (FoldConvBatchNorm in
 * fold_conv_bn.cpp), and the convolution before belongs to the block before. The file says so in three places, all of
 * which are asked for: the convolution's weights have the exporter's name, the relu behind it belongs to another module,
 * and the network has blocks of that kind whose norm could not be folded: norm and relu of the same caller, the relu
 * called the same.
 */
export function restoreBatchNormalizations(graph: Graph): Graph {
  const makers = new Map(graph.ops.flatMap((op) => op.outputs.map((name) => [name, op] as const)));
  const preactivations = new Set(
    graph.ops.flatMap((op) => {
      const norm = op.type === 'Relu' ? makers.get(op.inputs[0]) : undefined;
      if (norm?.type !== 'BatchNormalization') return [];
      const [before, path] = [modulePath(norm), modulePath(op)];
      return before.caller === path.caller ? [path.leaf] : [];
    }),
  );
  if (preactivations.size === 0) return graph;
  const readers = readersOf(graph);
  const tensors = new Map(graph.tensors);
  const ops = graph.ops.flatMap((op) => {
    const next = readers.get(op.outputs[0]) ?? [];
    if (op.type !== 'Conv' || !FOLDED_WEIGHT.test(op.inputs[1]) || next.length !== 1 || next[0].type !== 'Relu')
      return [op];
    const { caller, leaf } = modulePath(next[0]);
    const separate =
      preactivations.has(leaf) && caller !== modulePath(op).caller && !graph.outputs.includes(op.outputs[0]);
    return separate ? withNormalization(op, tensors) : [op];
  });
  return { ...graph, ops, tensors };
}

/** A convolution, and a normalisation behind it that makes its output; both go by the name that the file has. */
function withNormalization(conv: Op, tensors: Map<string, Tensor>): Op[] {
  const output = tensors.get(conv.outputs[0])!;
  const raw = `${output.name}/before_normalization`;
  tensors.set(raw, { ...output, name: raw });
  const parameters = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => {
    const name = `${output.name}/${part}`;
    tensors.set(name, { name, type: output.type, shape: [output.shape[1]], constant: true });
    return name;
  });
  const norm: Op = { ...conv, type: 'BatchNormalization', inputs: [raw, ...parameters], attributes: {} };
  return [{ ...conv, outputs: [raw] }, norm];
}
