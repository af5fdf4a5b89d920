/**
 * The command line's side of the GraphQL API: requests, uploads, and waiting for what the service does in the background.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-sse';

/** What the service says of a failure. */
export interface ServiceFailure {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly remedy?: string;
}

/** Codes that say that the service, not the request, is at fault. */
const SERVICE_CODES = new Set(['UNAVAILABLE', 'INTERNAL', 'RATE_LIMITED']);

export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(readonly failure: ServiceFailure) {
    super(failure.message);
  }

  /** True if the request was wrong; false if the service could not answer. */
  get isInput(): boolean {
    return !SERVICE_CODES.has(this.failure.code);
  }
}

/** How often the state of a background job is asked for, milliseconds. */
const POLL_MILLISECONDS = 150;

interface GraphQLAnswer<T> {
  readonly data?: T | null;
  readonly errors?: readonly {
    message: string;
    extensions?: { code?: string; where?: string; remedy?: string; requestId?: string };
  }[];
}

/** A file that has become a dataset or a network. */
export interface Ingested {
  readonly id: string;
  readonly name: string;
  readonly status: 'PENDING' | 'READY' | 'REJECTED';
  readonly networkRows?: number;
  readonly kernelRows?: number;
  readonly failure?: ServiceFailure;
}

export interface TrainingState {
  readonly status: string;
  readonly step?: string;
  readonly fraction: number;
}

const INGESTED = 'id name status failure { code message where remedy }';

export class Client {
  /**
   * @param url base URL of the service
   * @param token API key or session token; none for signing up
   * @param team id of the team that a session acts in, if its person is in several
   */
  constructor(
    readonly url: string,
    private readonly token?: string,
    private readonly team?: string,
  ) {}

  /** @throws ServiceError */
  async request<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.headers() },
        body: JSON.stringify({ query, variables }),
      });
    } catch (error) {
      throw this.unreachable(error);
    }
    const answer = (await response.json().catch(() => ({}))) as GraphQLAnswer<T>;
    const [error] = answer.errors ?? [];
    if (error) {
      const { code = 'INTERNAL', where, remedy, requestId } = error.extensions ?? {};
      throw new ServiceError({
        code,
        message: error.message,
        where,
        remedy: remedy ?? (SERVICE_CODES.has(code) && requestId ? `Request ${requestId}.` : undefined),
      });
    }
    if (!answer.data)
      throw new ServiceError({ code: 'UNAVAILABLE', message: `${this.url} answered with HTTP ${response.status}` });
    return answer.data;
  }

  /** Uploads a profile and waits until it is read. A dataset of the same bytes and name is used again. */
  async pushDataset(
    bytes: Uint8Array,
    fileName: string,
    input: { name: string; network?: string; scenario?: string },
  ): Promise<Ingested> {
    const sha256 = digest(bytes);
    const known = await this.request<{ datasets: { edges: { node: Ingested }[] } }>(
      `query ($filter: DatasetFilter!) { datasets(first: 1, filter: $filter) { edges { node { ${INGESTED} networkRows kernelRows } } } }`,
      { filter: { sha256, name: input.name, status: 'READY' } },
    );
    if (known.datasets.edges.length > 0) return known.datasets.edges[0].node;
    const uploadId = await this.upload(bytes, {
      kind: 'DATASET',
      fileName,
      sha256,
      contentType: 'application/octet-stream',
    });
    const { createDataset } = await this.request<{ createDataset: { dataset: Ingested } }>(
      `mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { dataset { ${INGESTED} } } }`,
      { input: { uploadId, ...input } },
    );
    return this.ingested(createDataset.dataset, `... on Dataset { ${INGESTED} networkRows kernelRows }`, fileName);
  }

  /** Makes a dataset of the latencies that production reported, and waits until it is read. */
  async createDatasetFromMeasurements(input: {
    name: string;
    scenario: string;
    since?: string;
    until?: string;
  }): Promise<Ingested> {
    const { createDatasetFromMeasurements } = await this.request<{
      createDatasetFromMeasurements: { dataset: Ingested };
    }>(
      `mutation ($input: CreateDatasetFromMeasurementsInput!) { createDatasetFromMeasurements(input: $input) { dataset { ${INGESTED} } } }`,
      { input },
    );
    const { dataset } = createDatasetFromMeasurements;
    return this.ingested(dataset, `... on Dataset { ${INGESTED} networkRows kernelRows }`, input.name);
  }

  /** Uploads a network and waits until it is read. A network of the same bytes and name is used again. */
  async pushNetwork(
    bytes: Uint8Array,
    fileName: string,
    name: string,
    bindings: Readonly<Record<string, number>> = {},
  ): Promise<Ingested> {
    const sha256 = digest(bytes);
    const sizes = Object.entries(bindings).map(([dimension, size]) => ({ name: dimension, size }));
    const known = await this.request<{
      networks: { edges: { node: Ingested & { bindings: { name: string; size: number }[] } }[] };
    }>(
      `query ($filter: NetworkFilter!) { networks(first: 100, filter: $filter) { edges { node { ${INGESTED} bindings { name size } } } } }`,
      { filter: { sha256, name, status: 'READY' } },
    );
    const same = known.networks.edges.find(({ node }) => JSON.stringify(node.bindings) === JSON.stringify(sizes));
    if (same) return same.node;
    const uploadId = await this.upload(bytes, {
      kind: 'NETWORK',
      fileName,
      sha256,
      contentType: 'application/octet-stream',
    });
    const { createNetwork } = await this.request<{ createNetwork: { network: Ingested } }>(
      `mutation ($input: CreateNetworkInput!) { createNetwork(input: $input) { network { ${INGESTED} } } }`,
      { input: { uploadId, name, bindings: sizes } },
    );
    return this.ingested(createNetwork.network, `... on Network { ${INGESTED} }`, fileName);
  }

  /** Follows a training to its end. @throws ServiceError if the connection breaks */
  async followTraining(versionId: string, onState: (state: TrainingState) => void): Promise<TrainingState> {
    const stream = createClient({ url: `${this.url}/graphql/stream`, headers: () => this.headers() });
    let last: TrainingState = { status: 'QUEUED', fraction: 0 };
    try {
      const query =
        'subscription ($versionId: ID!) { trainingProgress(versionId: $versionId) { status step fraction } }';
      for await (const { data, errors } of stream.iterate<{ trainingProgress: TrainingState }>({
        query,
        variables: { versionId },
      })) {
        if (errors)
          throw new ServiceError({
            code: String(errors[0].extensions?.code ?? 'INTERNAL'),
            message: errors[0].message,
          });
        if (!data) continue;
        last = data.trainingProgress;
        onState(last);
      }
      return last;
    } catch (error) {
      throw error instanceof ServiceError ? error : this.unreachable(error);
    } finally {
      stream.dispose();
    }
  }

  private headers(): Record<string, string> {
    return {
      ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      ...(this.team ? { 'fusecast-team': this.team } : {}),
    };
  }

  private unreachable(error: unknown): ServiceError {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    return new ServiceError({
      code: 'UNAVAILABLE',
      message: `${this.url} cannot be reached: ${reason}`,
      remedy: 'Check FUSECAST_URL, or start a service with npm start.',
    });
  }

  /** Puts the bytes of a file into the object store, and returns the id of the upload. @throws ServiceError */
  async upload(
    bytes: Uint8Array,
    input: { kind: string; fileName: string; sha256: string; contentType: string },
  ): Promise<string> {
    const { requestUpload } = await this.request<{
      requestUpload: {
        uploadId: string;
        request: { method: string; url: string; headers: { name: string; value: string }[] } | null;
      };
    }>(
      'mutation ($input: RequestUploadInput!) { requestUpload(input: $input) { uploadId request { method url headers { name value } } } }',
      {
        input: { ...input, sizeBytes: bytes.length },
      },
    );
    const { request, uploadId } = requestUpload;
    // No request: the object store holds these bytes already.
    if (!request) return uploadId;
    const headers = Object.fromEntries(request.headers.map(({ name, value }) => [name, value]));
    const response = await fetch(request.url, { method: request.method, headers, body: Buffer.from(bytes) }).catch(
      (error) => {
        throw this.unreachable(error);
      },
    );
    if (!response.ok) {
      throw new ServiceError({
        code: 'UNAVAILABLE',
        message: `the object store answered HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`,
      });
    }
    return uploadId;
  }

  /** Fetches a file of the object store. @throws ServiceError */
  async download(url: string): Promise<Buffer> {
    const response = await fetch(url).catch((error) => {
      throw this.unreachable(error);
    });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    const text = (await response.text()).slice(0, 200);
    throw new ServiceError({
      code: 'UNAVAILABLE',
      message: `the object store answered HTTP ${response.status}: ${text}`,
    });
  }

  private async ingested(pending: Ingested, fields: string, fileName: string): Promise<Ingested> {
    let current = pending;
    while (current.status === 'PENDING') {
      await delay(POLL_MILLISECONDS);
      const { node } = await this.request<{ node: Ingested }>(`query ($id: ID!) { node(id: $id) { ${fields} } }`, {
        id: pending.id,
      });
      current = node;
    }
    if (current.status === 'REJECTED' && current.failure) {
      const { code, message, where, remedy } = current.failure;
      throw new ServiceError({ code, message, where: where ? `${fileName}, ${where}` : fileName, remedy });
    }
    return current;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
