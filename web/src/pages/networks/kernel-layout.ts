/** Where the boxes of a fused graph stand: kernels, folded runs of kernels, and the lines between them. Knows no React. */
import { Graph, layout } from '@dagrejs/dagre';

/** A kernel of the plan with what a version predicts of it. */
export interface DrawnKernel {
  /** Its place, counted from 0. */
  readonly index: number;
  /** Kind with what is fused: `conv+relu`. */
  readonly name: string;
  /** Types of its ops, in their order. */
  readonly types: readonly string[];
  /** Places of the kernels that it reads. */
  readonly reads: readonly number[];
  readonly latencyUs: number;
}

/** A kernel, or neighbours in execution order drawn as one. */
export interface Box {
  readonly id: string;
  readonly kernels: readonly DrawnKernel[];
  readonly latencyUs: number;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

export interface Drawing {
  readonly boxes: readonly Box[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

export const BOX_WIDTH = 190;
const HEAD_HEIGHT = 46;
const OP_HEIGHT = 17;
/** The slowest kernels that make up so much of the time stay boxes of their own when the others are folded. */
const KEPT_SHARE = 0.8;

/** Kernels one by one, or with each run of fast ones as one group. */
function groupsOf(kernels: readonly DrawnKernel[], folded: boolean): DrawnKernel[][] {
  if (!folded) return kernels.map((kernel) => [kernel]);
  const total = kernels.reduce((sum, { latencyUs }) => sum + latencyUs, 0);
  const kept = new Set<number>();
  let keptUs = 0;
  for (const { index, latencyUs } of kernels.toSorted((a, b) => b.latencyUs - a.latencyUs)) {
    if (keptUs >= KEPT_SHARE * total) break;
    kept.add(index);
    keptUs += latencyUs;
  }
  const groups: DrawnKernel[][] = [];
  for (const kernel of kernels) {
    const last = groups.at(-1);
    if (last && !kept.has(kernel.index) && !kept.has(last[0].index)) last.push(kernel);
    else groups.push([kernel]);
  }
  return groups;
}

/**
 * Lays the graph out from top to bottom.
 * @param folded draws runs of kernels that take little time as one box each
 * @param withOps makes room for the ops inside
 */
export function draw(kernels: readonly DrawnKernel[], folded: boolean, withOps: boolean): Drawing {
  const groups = groupsOf(kernels, folded);
  const groupOf = new Map(groups.flatMap((group, at) => group.map(({ index }) => [index, at] as const)));
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', ranksep: 28, nodesep: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  const heightOf = (group: readonly DrawnKernel[]) =>
    HEAD_HEIGHT + (withOps && group.length === 1 ? OP_HEIGHT * group[0].types.length : 0);
  groups.forEach((group, at) => {
    graph.setNode(String(at), { width: BOX_WIDTH, height: heightOf(group) });
  });
  const edges = new Map<string, { from: string; to: string }>();
  groups.forEach((group, at) => {
    for (const read of group.flatMap(({ reads }) => reads)) {
      const from = groupOf.get(read);
      if (from === undefined || from === at) continue;
      edges.set(`${from} ${at}`, { from: String(from), to: String(at) });
    }
  });
  for (const { from, to } of edges.values()) graph.setEdge(from, to);
  layout(graph);
  return {
    boxes: groups.map((group, at) => {
      const { x, y } = graph.node(String(at)) as { x: number; y: number };
      const height = heightOf(group);
      return {
        id: String(at),
        kernels: group,
        latencyUs: group.reduce((sum, { latencyUs }) => sum + latencyUs, 0),
        // dagre gives the middle, the drawing wants the corner.
        x: x - BOX_WIDTH / 2,
        y: y - height / 2,
        height,
      };
    }),
    edges: [...edges.values()],
  };
}
