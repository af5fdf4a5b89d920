/** What the version commands ask of a service: predictors, versions and pins by what a person calls them. */
import { type Client, ServiceError } from './client';

export interface Version {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly stage: string;
  readonly inUseSince: string | null;
  readonly fileDeletedAt: string | null;
  readonly quarantinedAt: string | null;
  readonly learner: string;
  readonly createdAt: string;
  readonly predictor: { readonly name: string };
  readonly scenario: { readonly name: string };
}

export const VERSION =
  'id number status stage inUseSince fileDeletedAt quarantinedAt learner createdAt predictor { name } scenario { name }';

/** With the versions of a hundred, a page would cost more than the service answers. */
const PAGE = 50;

/** Every node of a list, page by page. */
export async function readAll<T>(client: Client, field: string, filter: object, fields: string): Promise<T[]> {
  const type = `${field[0].toUpperCase()}${field.slice(1, -1)}Filter`;
  const query = `query ($filter: ${type}!, $after: String) { ${field}(first: ${PAGE}, after: $after, filter: $filter) {
    edges { node { ${fields} } } pageInfo { hasNextPage endCursor } } }`;
  const nodes: T[] = [];
  for (let after: string | null = null; ; ) {
    type Page = { edges: { node: T }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
    const answer: Record<string, Page> = await client.request(query, { filter, after });
    const { edges, pageInfo } = answer[field];
    nodes.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage) return nodes;
    after = pageInfo.endCursor;
  }
}

/** Id of the predictor of this name. @throws ServiceError NOT_FOUND */
export async function findPredictor(client: Client, name: string): Promise<string> {
  const [predictor] = await readAll<{ id: string }>(client, 'predictors', { name }, 'id');
  if (predictor) return predictor.id;
  throw new ServiceError({
    code: 'NOT_FOUND',
    message: `there is no predictor ${name}`,
    where: name,
    remedy: '`fusecast version list` shows those that are.',
  });
}

/** Id of a version that is given as `predictor@number`, or by its id. @throws ServiceError NOT_FOUND */
export async function findVersion(client: Client, given: string): Promise<string> {
  const named = /^(?<name>.+)@(?<number>\d{1,9})$/.exec(given)?.groups;
  if (!named) return given;
  const filter = { predictorId: await findPredictor(client, named.name), number: Number(named.number) };
  const [version] = await readAll<{ id: string }>(client, 'predictorVersions', filter, 'id');
  if (version) return version.id;
  throw new ServiceError({
    code: 'NOT_FOUND',
    message: `the predictor ${named.name} has no version ${named.number}`,
    where: given,
    remedy: '`fusecast version list` shows those that are.',
  });
}
