/**
 * What a GraphQL document may ask for: depth, cost, aliases, directives, tokens, introspection, and, where an
 * installation wants it so, only documents that it knows. The same for queries over HTTP and for subscriptions.
 */
import { createHash } from 'node:crypto';
import type { ApolloServerOptions, ApolloServerPlugin, BaseContext } from '@apollo/server';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import { NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql';
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
    validationRules: [...validationRules, ...(introspection ? [] : [NoSchemaIntrospectionCustomRule])],
  };
}

type DocumentCache = NonNullable<Exclude<ApolloServerOptions<BaseContext>['persistedQueries'], false>>['cache'];

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
