/**
 * Which dimensions of a graph's tensors are the same number whatever it is: a residual sum wants equal channels of both
 * sides, a convolution has as many biases as filters. Sizes that are computed of others (a concatenation's, an image's
 * behind a stride) are not tied to them. Ties are found from the shapes that the graph has; nothing is changed here.
 */
import type { Graph } from './graph';

/** Sets of tied dimensions, by union and find. */
export class DimensionTies {
  readonly #first = new Map<string, number>();
  readonly #parents: number[] = [];

  constructor(graph: Graph) {
    for (const { name, shape } of graph.tensors.values()) {
      this.#first.set(name, this.#parents.length);
      for (let axis = 0; axis < shape.length; axis++) this.#parents.push(this.#parents.length);
    }
  }

  /** The number that all dimensions have that are tied to this one. */
  of(tensor: string, axis: number): number {
    let at = this.#first.get(tensor)! + axis;
    while (this.#parents[at] !== at) {
      this.#parents[at] = this.#parents[this.#parents[at]];
      at = this.#parents[at];
    }
    return at;
  }

  tie(a: string, axisOfA: number, b: string, axisOfB: number): void {
    this.#parents[this.of(a, axisOfA)] = this.of(b, axisOfB);
  }
}

/** Axes of the input and of the output of a reshape that hold the same elements, in order. */
export interface ReshapeGroup {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Cuts two shapes of as many elements into the smallest groups of as many elements each. Ones go with what stands before. */
export function reshapeGroups(from: readonly number[], to: readonly number[]): ReshapeGroup[] {
  const groups: { inputs: number[]; outputs: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < from.length && j < to.length) {
    const group = { inputs: [i], outputs: [j] };
    let [left, right] = [from[i++], to[j++]];
    while (left !== right && (i < from.length || j < to.length)) {
      if ((left < right && i < from.length) || j === to.length) {
        group.inputs.push(i);
        left *= from[i++];
      } else {
        group.outputs.push(j);
        right *= to[j++];
      }
    }
    groups.push(group);
  }
  const last = groups[groups.length - 1];
  while (last && i < from.length) last.inputs.push(i++);
  while (last && j < to.length) last.outputs.push(j++);
  return groups;
}

/** Where the channels of an op's activations stand. */
export function channelAxis(graph: Graph, rank: number): number {
  return graph.layout === 'NHWC' ? rank - 1 : 1;
}

/** Op types that slide a window over an image with weights: which inputs are weight, bias, and a number a filter. */
export const CONVOLUTIONS: Readonly<
  Record<string, { readonly weight: number; readonly bias: number; readonly scales?: readonly number[] }>
> = {
  Conv: { weight: 1, bias: 2 },
  'com.microsoft.FusedConv': { weight: 1, bias: 2 },
  QLinearConv: { weight: 3, bias: 8, scales: [4, 5] },
  ConvInteger: { weight: 1, bias: -1, scales: [3] },
};
