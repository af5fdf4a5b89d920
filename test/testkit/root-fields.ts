/**
 * The operations that a schema offers, with arguments that it accepts, found from the schema itself: tests that walk
 * over "every field" and "every argument" stay complete as the API grows.
 */
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
} from 'graphql';

/** One place in the arguments of a root field that holds a text or an id. */
export interface ArgumentLeaf {
  /** As in error messages: `input.networkIds.0`. */
  readonly path: string;
  readonly scalar: 'String' | 'ID';
  /** The variables with this value there, and whatever else the schema asks for. */
  with(value: string): Record<string, unknown>;
}

export interface RootField {
  readonly operation: 'query' | 'mutation' | 'subscription';
  readonly name: string;
  /** Declares every argument as a variable. */
  readonly query: string;
  /** Of the arguments that are required. */
  readonly variables: Record<string, unknown>;
  readonly leaves: readonly ArgumentLeaf[];
}

/** What an argument is given: by `field.argument`, which is then always given, or wherever one of this name is required. */
export type Values = Readonly<Record<string, unknown>>;

const USUAL: Values = {
  sha256: 'a'.repeat(64),
  contentType: 'text/csv',
  password: 'correct horse battery',
  newPassword: 'correct horse battery',
  email: 'somebody@example.com',
  code: '123456',
  first: 1,
  sizeBytes: 3,
};

/** Every root field of the schema, in its order. */
export function rootFields(schema: GraphQLSchema, values: Values = {}): RootField[] {
  const types = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  return types.flatMap(([operation, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => {
      const make = new Maker(field.name, { ...USUAL, ...values });
      const declared = field.args.map(({ name, type: of, defaultValue }) => {
        const type = defaultValue === undefined ? String(of) : String(of).replace(/!$/, '');
        return `$${name}: ${type}`;
      });
      const passed = field.args.map(({ name }) => `${name}: $${name}`);
      const variables = make.required(field.args);
      return {
        operation,
        name: field.name,
        query: `${operation}${inBrackets(declared)} { ${field.name}${inBrackets(passed)} ${selection(getNamedType(field.type))} }`,
        variables,
        leaves: field.args.flatMap((argument) =>
          make.leaves(argument.type, [argument.name]).map(({ path, scalar }) => ({
            path: path.join('.'),
            scalar,
            with: (value: string) => ({ ...variables, [argument.name]: make.value(argument, path.slice(1), value) }),
          })),
        ),
      };
    }),
  );
}

function inBrackets(parts: readonly string[]): string {
  return parts.length > 0 ? `(${parts.join(', ')})` : '';
}

function selection(type: ReturnType<typeof getNamedType>): string {
  return isScalarType(type) || isEnumType(type) ? '' : '{ __typename }';
}

type Named = GraphQLArgument | GraphQLInputField;
interface Place {
  readonly path: readonly string[];
  readonly scalar: 'String' | 'ID';
}

class Maker {
  constructor(
    private readonly field: string,
    private readonly values: Values,
  ) {}

  required(arguments_: readonly Named[]): Record<string, unknown> {
    const needed = arguments_.filter(
      ({ name, type, defaultValue }) =>
        (isNonNullType(type) && defaultValue === undefined) || this.values[`${this.field}.${name}`] !== undefined,
    );
    return Object.fromEntries(needed.map((argument) => [argument.name, this.value(argument)]));
  }

  /** A value that the schema accepts; with a path, one that has `leaf` there. */
  value({ name, type }: Pick<Named, 'name' | 'type'>, path?: readonly string[], leaf?: string): unknown {
    if (path?.length === 0) return leaf;
    if (isNonNullType(type)) return this.value({ name, type: type.ofType }, path, leaf);
    const given = this.values[`${this.field}.${name}`] ?? this.values[name];
    if (!path && given !== undefined) return given;
    if (isListType(type)) return [this.value({ name, type: type.ofType }, path?.slice(1), leaf)];
    if (isInputObjectType(type)) {
      const fields = type.getFields();
      const rest = this.required(Object.values(fields));
      return path ? { ...rest, [path[0]]: this.value(fields[path[0]], path.slice(1), leaf) } : rest;
    }
    if (isEnumType(type)) return type.getValues()[0].name;
    if (type.name === 'Boolean') return true;
    if (type.name === 'Int' || type.name === 'Float') return 1;
    return type.name.startsWith('Date') ? '2100-01-01T00:00:00Z' : 'x';
  }

  /** Where texts and ids are, below a type. */
  leaves(type: GraphQLInputType, path: readonly string[]): Place[] {
    if (isNonNullType(type)) return this.leaves(type.ofType, path);
    if (isListType(type)) return this.leaves(type.ofType, [...path, '0']);
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).flatMap((field) => this.leaves(field.type, [...path, field.name]));
    }
    return type.name === 'String' || type.name === 'ID' ? [{ path, scalar: type.name }] : [];
  }
}
