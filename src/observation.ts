/**
 * Counts and traces what the service does, where it is done: transactions, the object store, predictions, requests. Each is a
 * wrapper or plugin that changes nothing of what it watches. Must not know any noun.
 */
import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import type { GraphQLError, OperationDefinitionNode } from 'graphql';
import { sqlState, toCodedError } from './errors';
import * as metrics from './metrics';
import { type ObjectStore, StorageError } from './storage/object-store';
import { inSpan, nameSpan } from './tracing';

/** A database transaction. */
export async function observeTransaction<T>(work: () => Promise<T>): Promise<T> {
  const seconds = metrics.transactionSeconds.startTimer();
  try {
    return await inSpan('transaction', { 'db.system.name': 'postgresql' }, work);
  } catch (error) {
    const failure = databaseFailure(error);
    if (failure) metrics.databaseErrors.inc({ class: failure });
    throw error;
  } finally {
    seconds();
  }
}

/** The class of an SQLSTATE (its first two characters), or that PostgreSQL did not answer; undefined for what is not its fault. */
function databaseFailure(error: unknown): string | undefined {
  const state = sqlState(error);
  if (state) return /^[0-9A-Z]{5}$/.test(state) ? state.slice(0, 2) : 'connection';
  const isOther = error instanceof StorageError || toCodedError(error).code !== 'UNAVAILABLE';
  return isOther ? undefined : 'connection';
}

/** Networks that are predicted with one version, loading it included. */
export async function observePrediction<T>(versionId: string, networks: number, work: () => Promise<T>): Promise<T> {
  const seconds = metrics.predictionSeconds.startTimer();
  try {
    const attributes = { 'fusecast.version.id': versionId, 'fusecast.networks': networks };
    const result = await inSpan('onnxruntime', attributes, work);
    metrics.predictions.inc(networks);
    return result;
  } finally {
    seconds();
  }
}

export function observeLookup(cache: 'predictors' | 'networks', found: boolean): void {
  metrics.cacheLookups.inc({ cache, result: found ? 'hit' : 'miss' });
}

const STORE_OPERATIONS: ReadonlySet<PropertyKey> = new Set<keyof ObjectStore>(['put', 'get', 'head', 'delete']);

/** The same store (of the same class), watched. */
export function observeStore<T extends ObjectStore>(store: T): T {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (!STORE_OPERATIONS.has(name)) return value.bind(target);
      return (...parameters: unknown[]) =>
        observeOperation(String(name), () => Reflect.apply(value, target, parameters) as Promise<unknown>);
    },
  });
}

async function observeOperation<T>(operation: string, work: () => Promise<T>): Promise<T> {
  const seconds = metrics.storeSeconds.startTimer({ operation });
  try {
    return await inSpan(`store ${operation}`, {}, work);
  } catch (error) {
    const code = error instanceof StorageError ? error.code : 'INTERNAL';
    metrics.storeErrors.inc({ operation, code });
    throw error;
  } finally {
    seconds();
  }
}

/** GraphQL requests by root field: names of the schema only, so that no client makes up a label. */
export function observeRequests(): ApolloServerPlugin {
  return {
    requestDidStart: async () => {
      const started = performance.now();
      return {
        didResolveOperation: async ({ operation }) => nameSpan(`graphql ${rootField(operation)}`),
        willSendResponse: async ({ operation, errors }) => {
          const name = rootField(operation);
          metrics.requests.inc({ operation: name, outcome: outcomeOf(errors) });
          metrics.requestSeconds.observe({ operation: name }, (performance.now() - started) / 1000);
        },
      };
    },
  };
}

/** @param operation absent if the request was refused before it was known, and with it whether its fields exist */
function rootField(operation: OperationDefinitionNode | undefined): string {
  if (!operation) return 'invalid';
  const [first, ...others] = operation.selectionSet.selections;
  return first.kind === 'Field' && others.length === 0 ? first.name.value : 'several';
}

function outcomeOf(errors: readonly GraphQLError[] = []): string {
  const [error] = errors;
  return error ? toCodedError(unwrapResolverError(error), error.extensions.code).code : 'ok';
}
