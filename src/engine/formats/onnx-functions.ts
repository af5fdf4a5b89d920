/**
 * Functions of an ONNX model put in place of the nodes that call them, so that the graph holds operators only. It knows
 * names and attributes of nodes; what operators mean is elsewhere.
 */
import {
  type AttributeMessage,
  DEFAULT_DOMAINS,
  type FunctionMessage,
  type ModelMessage,
  type NodeMessage,
} from './onnx-schema';
import { malformed } from './onnx-tensors';

/** Functions that call functions: exporters nest modules this deep at most. */
const MAXIMUM_DEPTH = 32;

/** Nodes behind inlining; the largest networks have some ten thousand. Functions that call others twice grow fast. */
const MAXIMUM_NODES = 50_000;

/** Characters of a call's name with those of its callers: every name inside repeats them. */
const MAXIMUM_PREFIX = 1000;

function key(domain: string | undefined, name: string | undefined, overload: string | undefined): string {
  return JSON.stringify([DEFAULT_DOMAINS.has(domain ?? '') ? '' : domain, name ?? '', overload ?? '']);
}

/**
 * Nodes of the model's graph in order, every call of one of its functions replaced by the function's own nodes. Their names
 * and those of tensors inside begin with the name of the call.
 *
 * @throws EngineError MALFORMED_FILE for functions that call themselves, nest too deep, or are called with too many inputs
 */
export function inlineFunctions(model: ModelMessage): readonly NodeMessage[] {
  const nodes = model.graph?.node ?? [];
  if (!model.functions?.length) return nodes;
  const functions = new Map<string, FunctionMessage>();
  for (const each of model.functions) {
    const name = key(each.domain, each.name, each.overload);
    if (functions.has(name)) throw malformed(`function ${each.name} stands twice`, `function ${each.name}`);
    functions.set(name, each);
  }
  const result: NodeMessage[] = [];
  const used = new Set(nodes.flatMap(({ input, output, name }) => [...input, ...output, name ?? '']));
  const calls = new Map<string, number>();
  let expanded = 0;
  const expand = (list: readonly NodeMessage[], callers: readonly FunctionMessage[]) => {
    list.forEach((node, index) => {
      const called = functions.get(key(node.domain, node.opType, node.overload));
      // Calls count too: functions without ops can call each other without end.
      if (++expanded > MAXIMUM_NODES)
        throw malformed(`the functions come to more than ${MAXIMUM_NODES} ops`, `function ${callers[0]?.name}`);
      if (!called) {
        result.push(node);
        return;
      }
      const where = `function ${called.name}`;
      if (callers.includes(called)) throw malformed(`function ${called.name} calls itself`, where);
      if (callers.length === MAXIMUM_DEPTH) throw malformed(`functions nest deeper than ${MAXIMUM_DEPTH}`, where);
      expand(bodyOf(called, node, uniquePrefix(node.name || `${node.opType}_${index}`, used, calls)), [
        ...callers,
        called,
      ]);
    });
  };
  expand(nodes, []);
  return result;
}

/** Names inside a call begin with this one; it is numbered where others have it. @throws EngineError MALFORMED_FILE */
function uniquePrefix(name: string, used: Set<string>, calls: Map<string, number>): string {
  if (name.length > MAXIMUM_PREFIX)
    throw malformed(`a call's name has ${name.length} characters`, `op ${name.slice(0, MAXIMUM_PREFIX)}`);
  let number = calls.get(name) ?? 0;
  let prefix = number === 0 ? name : `${name}_${number}`;
  while (used.has(`${prefix}/`)) prefix = `${name}_${++number}`;
  calls.set(name, number + 1);
  used.add(`${prefix}/`);
  return prefix;
}

/** The nodes of a function for one call of it. */
function bodyOf(called: FunctionMessage, call: NodeMessage, prefix: string): NodeMessage[] {
  if (call.input.length > called.input.length || call.output.length > called.output.length) {
    throw malformed(
      `function ${called.name} takes ${called.input.length} inputs and makes ${called.output.length} outputs; ` +
        `a call gives ${call.input.length} and takes ${call.output.length}`,
      `op ${prefix} (${called.name})`,
    );
  }
  // An input that the call leaves out is left out of the nodes that read it.
  const inputs = new Map(called.input.map((name, i) => [name, call.input[i] ?? '']));
  const outputs = new Map(called.output.flatMap((name, i) => (call.output[i] ? [[name, call.output[i]]] : [])));
  const tensor = (name: string) => (name === '' ? '' : (inputs.get(name) ?? outputs.get(name) ?? `${prefix}/${name}`));
  const given = new Map(
    [...(called.attributeProto ?? []), ...call.attribute].map((attribute) => [attribute.name, attribute]),
  );
  const body = called.node.map(
    (node, index): NodeMessage => ({
      ...node,
      name: `${prefix}/${node.name || `${node.opType}_${index}`}`,
      input: node.input.map(tensor),
      output: node.output.map(tensor),
      attribute: node.attribute.flatMap((attribute) => resolved(attribute, given)),
    }),
  );
  // What the function hands on as it came is made by no node of its own.
  for (const [inner, outer] of outputs) {
    const handedOn = inputs.get(inner);
    if (handedOn === undefined) continue;
    body.push({ name: `${prefix}/${inner}`, opType: 'Identity', input: [handedOn], output: [outer], attribute: [] });
  }
  return body;
}

/** An attribute that refers to one of the call is that one under its own name; it is left out if the call leaves it out. */
function resolved(attribute: AttributeMessage, given: ReadonlyMap<string, AttributeMessage>): AttributeMessage[] {
  if (!attribute.refAttrName) return [attribute];
  const value = given.get(attribute.refAttrName);
  return value ? [{ ...value, name: attribute.name }] : [];
}
