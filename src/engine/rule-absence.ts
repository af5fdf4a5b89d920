/**
 * What profiles say that name every kernel by its op but not what was fused into it (onnxruntime's): an op that has no
 * kernel of its own went into the one before it, unless a kernel of unknown name may be it.
 */
import { type KernelFeatures, kernelFeatures } from './features';
import type { Op } from './graph';
import type { KernelMeasurement } from './profile';
import type { PlannedGraph } from './rule-chains';
import type { Match, Matching } from './rule-matching';

/** An op as wide as a kernel whose name says nothing may be that kernel. */
const EXTENT = ['outputHeight', 'outputWidth', 'outputChannels', 'outputElements'] as const;

/** @param rows of one network, under one harness: all of its kernels */
export function matchByAbsence(graph: PlannedGraph, rows: readonly KernelMeasurement[]): Matching {
  const { view, kernels } = graph;
  const byName = new Map(rows.map((row) => [row.kernel, row]));
  const launched = new Set(view.ops.map(({ name }) => name));
  const unexplained = rows.filter(({ kernel }) => !launched.has(kernel));
  // Ops that vanish by the plan's rules may have kernels; those are no others'.
  const known = new Set(view.graph.ops.map(({ name }) => name));
  const strangers = unexplained.filter(({ kernel }) => !known.has(kernel));
  const placed = new Set<Op>(view.ops.filter(({ name }) => byName.has(name)));
  const isShadowed = (op: Op) => {
    const features: KernelFeatures = kernelFeatures(view.graph, { first: op, fused: [] });
    return strangers.some((row) => EXTENT.every((name) => (row.features[name] ?? features[name]) === features[name]));
  };
  const uncertain = new Set(
    view.ops.filter((op) => !placed.has(op) && (isShadowed(op) || isContested(graph, op, byName))),
  );
  const matches: Match[] = [];
  for (const planned of kernels) {
    const row = byName.get(planned.first.name);
    if (!row) continue;
    const end = planned.behind.findIndex((op) => placed.has(op) || uncertain.has(op));
    const fused = planned.behind.slice(0, end < 0 ? planned.behind.length : end);
    matches.push({ row, planned, fused });
    for (const op of fused) placed.add(op);
  }
  return { matches, ambiguous: uncertain.size, unexplained, uncertain, placed };
}

/** Two kernels make what the op reads, and the op could have gone into either. */
function isContested({ view }: PlannedGraph, op: Op, byName: ReadonlyMap<string, KernelMeasurement>): boolean {
  const makers = op.inputs.flatMap((name) => view.maker(name) ?? []);
  return makers.filter((maker) => view.readers(maker.outputs[0]).length === 1 && byName.has(maker.name)).length > 1;
}
