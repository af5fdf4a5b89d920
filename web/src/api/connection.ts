/** A list of the API that is read page by page (Relay connection): as far as somebody scrolls, or to its end. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ApiError } from './errors';
import { type ApiDocument, useApiRequest } from './hooks';

const PAGE = 50;
/** The most that the API gives at once. */
const EXPORT_PAGE = 100;
const EXPORT_MAXIMUM = 20_000;

interface Page<Row> {
  readonly edges: readonly { readonly node: Row }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null };
}

export interface ConnectionList<Row> {
  readonly rows: readonly Row[];
  readonly error: ApiError | undefined;
  readonly loading: boolean;
  readonly hasMore: boolean;
  readonly loadMore: () => void;
  /** Begins at the first page again. */
  readonly reload: () => void;
  /** All rows, also those that are not shown yet; throws the ApiError. */
  readonly readAll: () => Promise<readonly Row[]>;
}

interface State<Row> {
  readonly rows: readonly Row[];
  readonly endCursor?: string | null;
  readonly hasMore: boolean;
  readonly loading: boolean;
  readonly error?: ApiError;
}

const NOTHING = { rows: [], hasMore: false, loading: true } as const;

/**
 * @param document a query with the variables `$first: Int!, $after: String` and others
 * @param variables the others; the list begins anew when they change
 * @param pick the connection in its result, with `edges { node { ... } } pageInfo { hasNextPage endCursor }`
 */
export function useConnection<Result, Variables extends { first: number }, Row>(
  document: ApiDocument<Result, Variables>,
  variables: Omit<Variables, 'first' | 'after'>,
  pick: (result: Result) => Page<Row>,
): ConnectionList<Row> {
  const request = useApiRequest();
  const [state, setState] = useState<State<Row>>(NOTHING);
  const key = JSON.stringify(variables);
  // What came for other variables, or before a reload, is not shown.
  const generation = useRef(0);
  const latest = useRef({ pick, state });
  latest.current = { pick, state };

  const read = useCallback(
    (first: number, after: string | null | undefined) =>
      request(document, { ...JSON.parse(key), first, after } as Variables),
    [request, document, key],
  );

  const append = useCallback(
    async (before: readonly Row[], after: string | null | undefined) => {
      const mine = generation.current;
      setState((current) => ({ ...current, loading: true, error: undefined }));
      const { data, error } = await read(PAGE, after);
      if (mine !== generation.current) return;
      if (!data) return setState((current) => ({ ...current, loading: false, error }));
      const { edges, pageInfo } = latest.current.pick(data);
      const rows = [...before, ...edges.map(({ node }) => node)];
      setState({ rows, hasMore: pageInfo.hasNextPage, endCursor: pageInfo.endCursor, loading: false });
    },
    [read],
  );

  const reload = useCallback(() => {
    generation.current += 1;
    void append([], undefined);
  }, [append]);

  useEffect(() => {
    setState(NOTHING);
    reload();
    return () => {
      generation.current += 1;
    };
  }, [reload]);

  const loadMore = useCallback(() => {
    const { rows, hasMore, loading, endCursor } = latest.current.state;
    if (hasMore && !loading) void append(rows, endCursor);
  }, [append]);

  const readAll = useCallback(async () => {
    const rows: Row[] = [];
    let after: string | null | undefined;
    do {
      const { data, error } = await read(EXPORT_PAGE, after);
      if (!data) throw error;
      const { edges, pageInfo } = latest.current.pick(data);
      rows.push(...edges.map(({ node }) => node));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
    } while (after && rows.length < EXPORT_MAXIMUM);
    return rows;
  }, [read]);

  const { rows, hasMore, loading, error } = state;
  return { rows, hasMore, loading, error, loadMore, reload, readAll };
}
