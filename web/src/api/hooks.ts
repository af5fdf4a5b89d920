/** Hooks for documents made by `graphql(...)`: their data and errors in the form that pages show. */
import { useCallback, useMemo, useState } from 'react';
import { type AnyVariables, type TypedDocumentNode, useClient, useMutation, useQuery, useSubscription } from 'urql';
import { type ApiError, toApiError } from './errors';
import type { TypedDocumentString } from './generated/graphql';

/** A document with the types of its result and variables: what `graphql(...)` returns. */
export type ApiDocument<Result, Variables> = TypedDocumentString<Result, Variables>;

/** The same for urql, which takes text and has no type for text with types. */
function forUrql<Result, Variables>(document: ApiDocument<Result, Variables>) {
  return document.toString() as unknown as TypedDocumentNode<Result, Variables & AnyVariables>;
}

export interface ApiQuery<Result> {
  readonly data: Result | undefined;
  readonly error: ApiError | undefined;
  /** True until there is data or an error. */
  readonly loading: boolean;
  /** True while it asks, even if there is data from before. */
  readonly fetching: boolean;
  readonly reload: () => void;
}

/** Reads, at once and again whenever variables change. `pause` waits. */
export function useApiQuery<Result, Variables>(
  document: ApiDocument<Result, Variables>,
  variables: Variables,
  { pause = false }: { pause?: boolean } = {},
): ApiQuery<Result> {
  const [result, execute] = useQuery({
    query: forUrql(document),
    variables: variables as Variables & AnyVariables,
    pause,
  });
  const reload = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]);
  const error = useMemo(() => (result.error ? toApiError(result.error) : undefined), [result.error]);
  return {
    data: error ? undefined : result.data,
    error,
    loading: !result.data && !error,
    fetching: result.fetching,
    reload,
  };
}

export interface ApiMutationState {
  readonly running: boolean;
  readonly error: ApiError | undefined;
  readonly clear: () => void;
}

/** A change: call it with the variables; it resolves with the data, or with undefined and the error in the state. */
export function useApiMutation<Result, Variables>(
  document: ApiDocument<Result, Variables>,
): [run: (variables: Variables) => Promise<Result | undefined>, state: ApiMutationState] {
  const [{ fetching }, execute] = useMutation(forUrql(document));
  const [error, setError] = useState<ApiError>();
  const run = useCallback(
    async (variables: Variables) => {
      setError(undefined);
      const result = await execute(variables as Variables & AnyVariables);
      if (result.error) setError(toApiError(result.error));
      return result.error ? undefined : result.data;
    },
    [execute],
  );
  return [run, { running: fetching, error, clear: useCallback(() => setError(undefined), []) }];
}

/** The newest value of a subscription, and its error. `pause` ends it. */
export function useApiSubscription<Result, Variables>(
  document: ApiDocument<Result, Variables>,
  variables: Variables,
  { pause = false }: { pause?: boolean } = {},
): { readonly data: Result | undefined; readonly error: ApiError | undefined } {
  const [result] = useSubscription({
    query: forUrql(document),
    variables: variables as Variables & AnyVariables,
    pause,
  });
  return { data: result.data, error: result.error && toApiError(result.error) };
}

/** Asks once, past the cache: for lists that grow page by page, exports and uploads. */
export function useApiRequest(): <Result, Variables>(
  document: ApiDocument<Result, Variables>,
  variables: Variables,
) => Promise<{ data?: Result; error?: ApiError }> {
  const client = useClient();
  return useCallback(
    async (document, variables) => {
      const text = document.toString();
      const operation = /^\s*mutation\b/.test(text) ? 'mutation' : 'query';
      const result = await client[operation](text, variables as AnyVariables, {
        requestPolicy: 'network-only',
      }).toPromise();
      return result.error ? { error: toApiError(result.error) } : { data: result.data };
    },
    [client],
  );
}
