/** A client that speaks GraphQL over HTTP, as any user's would. A failure shows the query and the answer. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; where?: string; remedy?: string; requestId?: string };
}

export interface Answer<T> {
  data?: T | null;
  errors?: ApiError[];
}

// biome-ignore lint/suspicious/noExplicitAny: what a query answers is known by the query, which stands beside its use
export type Data = any;

export class ApiClient {
  constructor(
    readonly url: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** The same service with a credential, and a team's id for people of several. */
  as(credential: string, team?: string): ApiClient {
    return new ApiClient(this.url, {
      authorization: `Bearer ${credential}`,
      ...(team === undefined ? {} : { 'fusecast-team': team }),
    });
  }

  /** The whole answer, errors too. */
  async answer<T = Data>(query: string, variables: object = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer<T>;
  }

  /** The data; throws if there are errors. */
  async query<T = Data>(query: string, variables: object = {}): Promise<T> {
    const answer = await this.answer<T>(query, variables);
    if (answer.errors || !answer.data) throw new Error(described(query, variables, answer));
    return answer.data;
  }

  /** The one error; throws if there is none, or more. */
  async refusal(query: string, variables: object = {}): Promise<ApiError> {
    const answer = await this.answer(query, variables);
    if (answer.errors?.length !== 1) throw new Error(described(query, variables, answer));
    return answer.errors[0];
  }

  /** The values of a subscription until it ends, each as soon as it is there. */
  async *subscribe(query: string, variables: object = {}, signal?: AbortSignal): AsyncGenerator<Answer<Data>> {
    const response = await fetch(`${this.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...this.headers },
      body: JSON.stringify({ query, variables }),
      signal,
    });
    if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      yield (await response.json()) as Answer<Data>;
      return;
    }
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const fields = new Map(event.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line]));
        if (fields.get('event') === 'event: next') yield JSON.parse(fields.get('data')!.slice('data: '.length));
      }
    }
  }

  /** Uploads bytes as a client does, and returns the upload's id. */
  async upload(kind: 'DATASET' | 'NETWORK' | 'BATCH', fileName: string, bytes: Uint8Array): Promise<string> {
    const input = { kind, fileName, sizeBytes: bytes.byteLength, sha256: sha256(bytes) };
    const { requestUpload } = await this.query(REQUEST_UPLOAD, { input });
    if (requestUpload.request) {
      const response = await put(requestUpload.request, bytes);
      if (!response.ok) throw new Error(`PUT ${fileName}: ${response.status} ${await response.text()}`);
    }
    return requestUpload.uploadId;
  }

  /** Uploads a dataset and waits until it is READY or REJECTED. */
  async createDataset(fileName: string, bytes: Uint8Array, more: object = {}): Promise<Data> {
    const uploadId = await this.upload('DATASET', fileName, bytes);
    const created = await this.query(CREATE_DATASET, { input: { uploadId, name: fileName, ...more } });
    return this.ingested(created.createDataset.dataset.id);
  }

  /** Uploads a network and waits until it is READY or REJECTED. */
  async createNetwork(name: string, bytes: Uint8Array, more: object = {}): Promise<Data> {
    const uploadId = await this.upload('NETWORK', `${name}.onnx`, bytes);
    const created = await this.query(CREATE_NETWORK, { input: { uploadId, name, ...more } });
    return this.ingested(created.createNetwork.network.id);
  }

  /** The dataset or network once it is no longer PENDING. */
  async ingested(id: string): Promise<Data> {
    return until(
      async () => (await this.query(INGESTED, { id })).node,
      ({ status }) => status !== 'PENDING',
    );
  }
}

/** Reads again until it is so; fails after half a minute, showing what was read last. */
export async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean, withinMs = 30_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    if (Date.now() > deadline) throw new Error(`After ${withinMs} ms it is still ${JSON.stringify(value, null, 2)}`);
    await delay(20);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Makes the HTTP request that requestUpload answered. */
export function put(
  request: { method: string; url: string; headers: { name: string; value: string }[] },
  bytes: Uint8Array,
): Promise<Response> {
  const headers = Object.fromEntries(request.headers.map(({ name, value }) => [name, value]));
  return fetch(request.url, { method: request.method, headers, body: Buffer.from(bytes) });
}

function described(query: string, variables: object, answer: unknown): string {
  return [
    'The API answered something else than expected.',
    `Query: ${query.trim()}`,
    `Variables: ${JSON.stringify(variables)}`,
    `Answer: ${JSON.stringify(answer, null, 2)}`,
  ].join('\n');
}

export const REQUEST_UPLOAD = `
  mutation ($input: RequestUploadInput!) {
    requestUpload(input: $input) { uploadId request { method url headers { name value } expiresAt } }
  }`;

export const CREATE_DATASET = `
  mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { dataset { id status sha256 } } }`;

export const CREATE_NETWORK = `
  mutation ($input: CreateNetworkInput!) { createNetwork(input: $input) { network { id status sha256 } } }`;

const FAILURE = 'failure { code message where remedy problems { line unit column value expected } problemCount }';

const INGESTED = `
  query ($id: ID!) {
    node(id: $id) {
      id
      ... on Dataset { name status networkRows kernelRows ${FAILURE} scenarios { scenario { id name device { name } } networkRows kernelRows } }
      ... on Network { name status sha256 summary { format ops parameters multiplyAccumulates inputs { name shape type } } ${FAILURE} }
    }
  }`;
