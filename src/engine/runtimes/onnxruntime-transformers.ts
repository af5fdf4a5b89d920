/**
 * What onnxruntime makes of the normalisations of transformers on a CPU: those written out in arithmetic become one op, and
 * sums before them go into it. Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of kernels.
 */
import type { Op } from '../graph';
import { OpReader } from '../shape-reader';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

/** True if a mean runs over the last dimension, which stays as 1. */
function isOverLast(view: PatternView, mean: Op): boolean {
  const reading = new OpReader(mean, view.graph.tensors);
  const rank = reading.shape(0).length;
  const axes = (reading.integers('axes') ?? reading.optionalInput(1)?.values)?.map((axis) => reading.axis(axis, rank));
  return axes?.length === 1 && axes[0] === rank - 1 && reading.integer('keepdims', 1) === 1;
}

/** The other input of a product or sum, if it is a constant row. */
function constantRow(view: PatternView, op: Op, name: string): string | undefined {
  const side = op.inputs.find((input) => input !== name);
  const tensor = side === undefined ? undefined : view.tensor(side);
  return tensor?.constant && tensor.shape.length === 1 ? tensor.name : undefined;
}

/** sqrt(mean(x ^ 2) + epsilon) under a Div, from its far end: the ops, and what is squared. */
function rootMeanSquare(
  view: PatternView,
  div: Op,
): { readonly squared: string; readonly ops: readonly Op[] } | undefined {
  const root = view.makerOf(div.inputs[1], 'Sqrt');
  const sum = root && view.makerOf(root.inputs[0], 'Add');
  const mean = sum && view.makerOf(sum.inputs.find((name) => view.makerOf(name, 'ReduceMean')) ?? '', 'ReduceMean');
  const power = mean && view.makerOf(mean.inputs[0], 'Pow', 'Mul');
  if (!power || !isOverLast(view, mean)) return undefined;
  const [squared, exponent] = power.inputs;
  if (power.type === 'Pow' ? view.scalar(exponent) !== 2 : squared !== exponent) return undefined;
  const ops: readonly Op[] = [power, mean, sum, root];
  return ops.every((op) => view.readers(op.outputs[0]).length === 1 && !view.isOutput(op.outputs[0]))
    ? { squared, ops }
    : undefined;
}

/** (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias, seen from its first mean. */
function layerNormalization(view: PatternView, mean: Op): Replacement | undefined {
  const centred = view.readers(mean.outputs[0]);
  // Some exporters subtract the mean twice: once for the variance, once for the quotient.
  const isCentred = centred.length >= 1 && centred.length <= 2 && centred.every(({ type }) => type === 'Sub');
  if (!isOverLast(view, mean) || !isCentred || view.isOutput(mean.outputs[0])) return undefined;
  const div = centred.flatMap(({ outputs }) => view.readers(outputs[0])).find(({ type }) => type === 'Div');
  const deviation = div && rootMeanSquare(view, div);
  const isSub = (name: string) => centred.some(({ outputs }) => outputs[0] === name);
  if (!div || deviation?.ops[0].type !== 'Pow' || !isSub(deviation.squared) || !isSub(div.inputs[0])) return undefined;
  if (centred.flatMap(({ outputs }) => view.readers(outputs[0])).length !== 2) return undefined;
  const mul = view.onlyReader(div, 'Mul');
  const add = mul && view.onlyReader(mul, 'Add');
  const scale = mul && constantRow(view, mul, div.outputs[0]);
  const bias = add && constantRow(view, add, mul.outputs[0]);
  if (!scale || !bias) return undefined;
  const normalization: Op = {
    name: mul.name,
    type: 'LayerNormalization',
    inputs: [mean.inputs[0], scale, bias],
    outputs: add.outputs,
    attributes: { axis: -1 },
  };
  return { remove: [mean, ...centred, ...deviation.ops, div, mul, add], insert: [normalization] };
}

/** x / sqrt(mean(x^2) + epsilon) * scale, seen from its square. */
function simplifiedLayerNormalization(view: PatternView, power: Op): Replacement | undefined {
  const mean = view.onlyReader(power, 'ReduceMean');
  const sum = mean && view.onlyReader(mean, 'Add');
  const root = sum && view.onlyReader(sum, 'Sqrt');
  const div = root && view.onlyReader(root, 'Div');
  const mul = div && view.onlyReader(div, 'Mul');
  if (!mul || power.type !== 'Pow' || rootMeanSquare(view, div)?.squared !== div.inputs[0]) return undefined;
  const scale = constantRow(view, mul, div.outputs[0]);
  if (!scale) return undefined;
  const normalization: Op = {
    name: mul.name,
    type: 'SimplifiedLayerNormalization',
    inputs: [power.inputs[0], scale],
    outputs: mul.outputs,
    attributes: { axis: -1 },
  };
  return { remove: [power, mean, sum, root, div, mul], insert: [normalization] };
}

function shapeOf(view: PatternView, name: string): readonly number[] {
  return view.tensor(name)?.shape ?? [];
}

/** Add of a constant row to a tensor of [batch, length, columns], which only one op reads. */
function biasSum(view: PatternView, name: string): Op | undefined {
  const add = view.makerOf(name, 'Add');
  if (!add || view.readers(name).length !== 1 || view.isOutput(name)) return undefined;
  const [input, bias] = add.inputs.map((each) => view.tensor(each)!);
  const isRow = bias.constant && bias.shape.length === 1 && bias.shape[0] === input.shape[2];
  return input.shape.length === 3 && isRow ? add : undefined;
}

/** Two tensors of [batch, length, columns] are added, the one perhaps with a row on top, and normalised. */
function skipLayerNormalization(view: PatternView, normalization: Op): Replacement | undefined {
  const [sum, scale, bias = ''] = normalization.inputs;
  const add = view.makerOf(sum, 'Add');
  if (!add || view.isOutput(sum) || view.readers(sum).length !== 1) return undefined;
  const shapes = add.inputs.map((name) => shapeOf(view, name));
  if (shapes.some((shape) => shape.length !== 3) || String(shapes[0]) !== String(shapes[1])) return undefined;
  const side = add.inputs.findIndex((name) => biasSum(view, name));
  const inner = side < 0 ? undefined : biasSum(view, add.inputs[side])!;
  const summands = add.inputs.map((name, i) => (inner && i === side ? inner.inputs[0] : name));
  const { epsilon } = normalization.attributes;
  return {
    remove: inner ? [normalization, add, inner] : [normalization, add],
    insert: [
      {
        ...normalization,
        type: 'com.microsoft.SkipLayerNormalization',
        inputs: [...summands, scale, bias, ...(inner ? [inner.inputs[1]] : [])],
        attributes: epsilon === undefined ? {} : { epsilon },
      },
    ],
  };
}

export const LAYER_NORMALIZATION: PatternRule = {
  at: ['ReduceMean'],
  among: ['Sqrt'],
  match: layerNormalization,
  reason: '(x - mean) / sqrt(variance + epsilon) * scale + bias is one LayerNormalization',
  origin: 'layer_norm_fusion.cc',
};

export const SIMPLIFIED_LAYER_NORMALIZATION: PatternRule = {
  at: ['Pow'],
  among: ['Sqrt'],
  match: simplifiedLayerNormalization,
  reason: 'x / sqrt(mean(x^2) + epsilon) * scale is one SimplifiedLayerNormalization',
  origin: 'layer_norm_fusion.cc, SimplifiedLayerNormFusion',
};

export const SKIP_LAYER_NORMALIZATION: PatternRule = {
  at: ['LayerNormalization'],
  among: ['Add'],
  match: skipLayerNormalization,
  reason: 'the sum before LayerNormalization is done by SkipLayerNormalization',
  origin: 'skip_layer_norm_fusion.cc',
};
