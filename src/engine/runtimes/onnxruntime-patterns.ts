/**
 * How onnxruntime's graph transformers work: a rule looks for a pattern of ops around one op and puts other ops in its
 * place, rule after rule and round after round until nothing changes. Knows no rule, no kernel.
 */
import type { Graph, Merged, Op, Tensor } from '../graph';
import type { GraphView } from './rule-pack';

/** What stands in a pattern's place. */
export interface Replacement {
  /** Ops that go. What is inserted stands where the first of them stood. */
  readonly remove: readonly Op[];
  /** Ops whose work is done by what is inserted too; they go if nobody else reads what they make. */
  readonly release?: readonly Op[];
  /** In execution order. */
  readonly insert: readonly Op[];
  /** Which of the inserted ops does the work of those that went; the first, if left out. */
  readonly main?: number;
  /** Tensors that the graph did not have. */
  readonly tensors?: readonly Tensor[];
  /** Tensors that nobody makes any more, and what their readers read instead. */
  readonly renamed?: readonly (readonly [from: string, to: string])[];
}

/** Looks for one pattern at every op of some types. */
export interface PatternRule {
  readonly at: readonly string[];
  /** Types of which the pattern has at least one op too: in a graph without any it is not looked for. */
  readonly among?: readonly string[];
  /** Undefined if the pattern is not there. */
  readonly match: (view: PatternView, op: Op) => Replacement | undefined;
  readonly reason: string;
  /** Source file of onnxruntime/core/optimizer. */
  readonly origin: string;
}

/** The graph as rules see it, with what many of them ask. */
export interface PatternView extends GraphView {
  tensor(name: string): Tensor | undefined;
  /** The only reader of an op's first output, if that is no output of the graph and the reader has one of the types. */
  onlyReader(op: Op, ...types: string[]): Op | undefined;
  /** The op of one of the types that makes a tensor. */
  makerOf(name: string, ...types: string[]): Op | undefined;
  /** The value of a constant of one element. */
  scalar(name: string): number | undefined;
  /** A name that no tensor has yet. */
  unusedName(name: string): string;
}

/** The rules whose patterns may be in a graph with ops of these types. */
function possibleRules(rules: readonly PatternRule[], types: ReadonlySet<string>): readonly PatternRule[] {
  const isThere = (type: string) => types.has(type);
  return rules.filter(({ at, among }) => at.some(isThere) && (!among || among.some(isThere)));
}

/** What patterns ask, answered from what any view knows. */
abstract class PatternReader implements PatternView {
  abstract readonly graph: Graph;
  abstract readers(name: string): readonly Op[];
  abstract maker(name: string): Op | undefined;
  abstract isOutput(name: string): boolean;

  source(name: string): string {
    return name;
  }

  tensor(name: string): Tensor | undefined {
    return this.graph.tensors.get(name);
  }

  onlyReader(op: Op, ...types: string[]): Op | undefined {
    const readers = this.readers(op.outputs[0]);
    const fits = readers.length === 1 && types.includes(readers[0].type) && !this.isOutput(op.outputs[0]);
    return fits ? readers[0] : undefined;
  }

  makerOf(name: string, ...types: string[]): Op | undefined {
    const op = this.maker(name);
    return op && types.includes(op.type) ? op : undefined;
  }

  scalar(name: string): number | undefined {
    const tensor = this.tensor(name);
    return tensor?.constant && tensor.values?.length === 1 ? tensor.values[0] : undefined;
  }

  unusedName(name: string): string {
    let unused = name;
    for (let i = 1; this.tensor(unused); i++) unused = `${name}_${i}`;
    return unused;
  }
}

/** A graph that stays as it is. */
class FixedGraph extends PatternReader {
  readonly graph: Graph;

  constructor(private readonly view: GraphView) {
    super();
    this.graph = view.graph;
  }

  readers(name: string): readonly Op[] {
    return this.view.readers(name);
  }

  maker(name: string): Op | undefined {
    return this.view.maker(name);
  }

  isOutput(name: string): boolean {
    return this.view.isOutput(name);
  }
}

/**
 * True if any rule applies anywhere in a graph: in most none does, and this costs less than to prepare it for replacing.
 *
 * @param ops those of the view
 */
export function hasPattern(view: GraphView, ops: readonly Op[], rules: readonly PatternRule[]): boolean {
  const possible = possibleRules(rules, new Set(ops.map(({ type }) => type)));
  if (possible.length === 0) return false;
  const graph = new FixedGraph(view);
  return ops.some((op) => possible.some(({ at, match }) => at.includes(op.type) && match(graph, op)));
}

/** A graph whose ops are replaced in place. */
export class PatternGraph extends PatternReader {
  readonly graph: Graph;
  /** Types of all ops that the graph has or had. */
  private readonly types = new Set<string>();
  private readonly tensors: Map<string, Tensor>;
  private readonly makers = new Map<string, Op>();
  private readonly readersOf = new Map<string, Op[]>();
  private readonly positions = new Map<Op, number>();
  private outputs: string[];

  constructor(private readonly original: Graph) {
    super();
    this.tensors = new Map(original.tensors);
    this.graph = { ...original, tensors: this.tensors };
    this.outputs = [...original.outputs];
    original.ops.forEach((op, position) => {
      this.add(op, position);
    });
  }

  readers(name: string): readonly Op[] {
    return this.readersOf.get(name) ?? [];
  }

  maker(name: string): Op | undefined {
    return this.makers.get(name);
  }

  isOutput(name: string): boolean {
    return this.outputs.includes(name);
  }

  /** One round of rules, each at every op in execution order. @returns true if any applied */
  apply(rules: readonly PatternRule[]): boolean {
    let changed = false;
    for (const rule of rules) {
      if (possibleRules([rule], this.types).length === 0) continue;
      const places = [...this.positions.keys()].filter(({ type }) => rule.at.includes(type));
      places.sort((a, b) => this.positions.get(a)! - this.positions.get(b)!);
      for (const [output] of places.map(({ outputs }) => outputs)) {
        const op = this.makerOf(output, ...rule.at);
        const replacement = op && rule.match(this, op);
        if (!replacement) continue;
        this.replace(replacement, rule.reason);
        changed = true;
      }
    }
    return changed;
  }

  /** The graph as it stands. */
  toGraph(): Graph {
    const inOrder = [...this.positions].sort(([, a], [, b]) => a - b).map(([op]) => op);
    const placed = new Set<Op>();
    const ops: Op[] = [];
    const place = (op: Op) => {
      if (placed.has(op)) return;
      placed.add(op);
      for (const name of op.inputs) {
        const maker = this.makers.get(name);
        if (maker) place(maker);
      }
      ops.push(op);
    };
    inOrder.forEach(place);
    return { ...this.original, ops, tensors: this.tensors, outputs: this.outputs };
  }

  private add(op: Op, position: number): void {
    this.types.add(op.type);
    this.positions.set(op, position);
    for (const name of op.outputs) if (name) this.makers.set(name, op);
    for (const name of op.inputs) {
      const readers = this.readersOf.get(name);
      if (readers) readers.push(op);
      else this.readersOf.set(name, [op]);
    }
  }

  private remove(op: Op): void {
    this.positions.delete(op);
    for (const name of op.outputs) if (this.makers.get(name) === op) this.makers.delete(name);
    for (const name of new Set(op.inputs)) {
      this.readersOf.set(
        name,
        this.readers(name).filter((reader) => reader !== op),
      );
    }
  }

  private replace(replacement: Replacement, reason: string): void {
    const { remove, release = [], insert, main = 0, tensors = [], renamed = [] } = replacement;
    const position = this.positions.get(remove[0])!;
    for (const op of remove) this.remove(op);
    for (const tensor of tensors) this.tensors.set(tensor.name, tensor);
    insert.forEach((op, i) => {
      const stays = (part: Op) => insert.some(({ name, type }) => name === part.name && type === part.type);
      const parts = i === main ? [...remove, ...release].filter((part) => part.name === op.name || !stays(part)) : [];
      this.add({ ...op, merged: mergedInto(op, parts, reason) }, position);
    });
    for (const [from, to] of renamed) this.rename(from, to);
    for (const op of release) {
      if (op.outputs.every((name) => this.readers(name).length === 0 && !this.isOutput(name))) this.remove(op);
    }
  }

  private rename(from: string, to: string): void {
    this.outputs = this.outputs.map((name) => (name === from ? to : name));
    for (const reader of new Set(this.readers(from))) {
      const position = this.positions.get(reader)!;
      this.remove(reader);
      this.add({ ...reader, inputs: reader.inputs.map((name) => (name === from ? to : name)) }, position);
    }
  }
}

function mergedInto(op: Op, parts: readonly Op[], reason: string): Merged {
  const names = parts.flatMap(({ name, merged }) => [name, ...(merged?.ops ?? [])]);
  const reasons = [...parts.flatMap(({ merged }) => merged?.reasons ?? []), reason];
  return { ops: [...new Set(names)].filter((name) => name !== op.name), reasons: [...new Set(reasons)] };
}
