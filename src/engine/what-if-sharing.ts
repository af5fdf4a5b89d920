/**
 * Vectors that several ops read. Exporters write equal ones once (all biases that are 0, say), which ties nothing: while a
 * network is changed each reader has its own, and afterwards those that stayed alike are one again.
 */

import type { Graph, Op, Tensor } from './graph';
import { elementCount } from './shape-reader';

/** The names that ops of a graph read instead of shared ones, by reader's own name. */
type Originals = ReadonlyMap<string, string>;

/** A graph in which no two ops read the same vector of the file. Weights that are matrices stay shared: that is meant. */
export function unshared(graph: Graph): { readonly graph: Graph; readonly originals: Originals } {
  const copied = new Map<string, string>();
  for (const { type, inputs, outputs } of graph.ops) {
    const { constant, shape } = graph.tensors.get(outputs[0])!;
    if (type === 'Identity' && constant && shape.length === 1) copied.set(outputs[0], inputs[0]);
  }
  const sourceOf = (name: string) => {
    let source = name;
    for (let next = copied.get(source); next !== undefined; next = copied.get(source)) source = next;
    return source;
  };
  const made = new Set(graph.ops.flatMap(({ outputs }) => outputs));
  const isVector = (name: string): boolean => {
    const source = graph.tensors.get(sourceOf(name));
    if (!source || made.has(source.name) || graph.inputs.includes(source.name)) return false;
    // Vectors of int64 are shapes and axes.
    return source.shape.length === 1 && elementCount(source.shape) > 1 && source.type !== 'int64';
  };
  const readers = new Map<string, number>();
  const isReader = ({ type, outputs }: Op) => type !== 'Identity' || !copied.has(outputs[0]);
  for (const op of graph.ops.filter(isReader)) {
    for (const name of op.inputs)
      if (isVector(name)) readers.set(sourceOf(name), (readers.get(sourceOf(name)) ?? 0) + 1);
  }
  const tensors = new Map(graph.tensors);
  const originals = new Map<string, string>();
  const ops = graph.ops.map((op) => {
    if (!isReader(op)) return op;
    let isOther = false;
    const inputs = op.inputs.map((name, place) => {
      if (!isVector(name) || readers.get(sourceOf(name)) === 1) return name;
      let own = `${name}/${op.name}/${place}`;
      while (tensors.has(own)) own += '_';
      tensors.set(own, { ...graph.tensors.get(sourceOf(name))!, name: own });
      originals.set(own, name);
      isOther = true;
      return own;
    });
    return isOther ? { ...op, inputs } : op;
  });
  return originals.size === 0 ? { graph, originals } : { graph: { ...graph, ops, tensors }, originals };
}

/** The changed graph, with vectors shared again that have the size that they had. */
export function sharedAgain(changed: Graph, before: Graph, originals: Originals): Graph {
  if (originals.size === 0) return changed;
  const tensors = new Map<string, Tensor>(changed.tensors);
  const restored = new Map<string, string>();
  for (const [own, original] of originals) {
    if (String(tensors.get(own)!.shape) !== String(before.tensors.get(original)!.shape)) continue;
    tensors.delete(own);
    restored.set(own, original);
  }
  const ops = changed.ops.map((op) =>
    op.inputs.some((name) => restored.has(name))
      ? { ...op, inputs: op.inputs.map((name) => restored.get(name) ?? name) }
      : op,
  );
  return { ...changed, ops, tensors };
}
