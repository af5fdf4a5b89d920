/**
 * What a GraphQL document may ask for: depth, cost, aliases, directives, tokens, introspection, and, where an
 * installation wants it so, only documents that it knows. The same for queries over HTTP and for subscriptions.
 */
import { createHash } from 'node:crypto';
import type { ApolloServerOptions, ApolloServerPlugin, BaseContext } from '@apollo/server';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import { GraphQLError, NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql';
import { z } from 'zod';
import { CodedError } from './errors';

const LIMITS = { depth: 14, cost: 10_000, aliases: 30, directives: 20 };
/** For graphql's own parser, which counts before anything else looks at a document. */
export const PARSE_OPTIONS = { maxTokens: 3_000 };

/** Documents that are known beforehand, by the lower-case hexadecimal SHA-256 of their text. */
export interface PersistedQueries {
  readonly documents: ReadonlyMap<string, string>;
  /** Whether people and nobody may send these only; API keys may always send any. */
  readonly only: boolean;
}

/**
 * Reads the file that a build of the dashboard writes: a JSON object of documents by their digest.
 * @throws Error saying what is wrong with it
 */
export function parsePersistedQueries(text: string): ReadonlyMap<string, string> {
  const documents = new Map(Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(text))));
  for (const [digest, document] of documents) {
    if (sha256(document) !== digest) throw new Error(`The document under ${digest.slice(0, 80)} has another SHA-256.`);
  }
  return documents;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What Apollo Server and the subscriptions apply to each document. */
export interface QueryLimits {
  readonly plugins: ApolloServerPlugin[];
  readonly validationRules: ValidationRule[];
}

export function createQueryLimits({ introspection }: { introspection: boolean }): QueryLimits {
  const { plugins, validationRules } = new ApolloArmor({
    maxDepth: { n: LIMITS.depth, flattenFragments: true },
    costLimit: { maxCost: LIMITS.cost, flattenFragments: true },
    maxAliases: { n: LIMITS.aliases },
    maxDirectives: { n: LIMITS.directives },
    maxTokens: { enabled: false },
    // server.ts does it, for subscriptions too.
    blockFieldSuggestion: { enabled: false },
  }).protect();
  return {
    plugins: plugins as ApolloServerPlugin[],
    validationRules: [...validationRules, storableTexts, ...(introspection ? [] : [NoSchemaIntrospectionCustomRule])],
  };
}

type DocumentCache = NonNullable<Exclude<ApolloServerOptions<BaseContext>['persistedQueries'], false>>['cache'];

/** What JSON and GraphQL can hold and no text is: U+0000, and half of a pair of surrogates. PostgreSQL takes neither. */
const NO_TEXT = /\p{Surrogate}|\0/u;
const NO_TEXT_MESSAGE = 'A text has a character that is none: U+0000, or half of a pair of surrogates.';

/** A validation rule: the texts that stand in a document. */
const storableTexts: ValidationRule = (context) => ({
  StringValue(node) {
    if (NO_TEXT.test(node.value)) context.reportError(new GraphQLError(NO_TEXT_MESSAGE, { nodes: node }));
  },
});

/** The same for variables. @throws BAD_INPUT */
export function checkTexts(variables: unknown): void {
  // Not recursive: nobody knows yet how deep it is.
  const rest = [variables];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string' && NO_TEXT.test(value)) {
      throw new CodedError('BAD_INPUT', NO_TEXT_MESSAGE, 'variables', 'Leave it out.');
    }
    if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) rest.push(each);
  }
}

/** The known documents as Apollo Server reads them for the extension `persistedQuery`; nothing is ever added. */
export function readOnlyCache({ documents }: PersistedQueries): DocumentCache {
  return {
    get: async (key) => documents.get(key.slice(key.lastIndexOf(':') + 1)),
    set: async () => {},
    delete: async () => false,
  };
}

/** @throws FORBIDDEN for a document that the installation does not know, if it takes no other of this session */
export function checkPersisted({ documents, only }: PersistedQueries, document: string, sessionKind: string): void {
  if (!only || sessionKind === 'apiKey') return;
  if (documents.has(sha256(document))) return;
  const message = 'This installation runs the known queries of its own dashboard only, except for API keys.';
  throw new CodedError('FORBIDDEN', message, 'query', 'Use an API key.');
}
