/**
 * Serves a directory store over HTTP, so that signed URLs work as S3's do: `PUT` and `GET /objects/<key>`. Knows HTTP
 * and signatures; must not know teams or sessions (a signature is all the permission there is).
 *
 * Refusals have S3's status codes: 403 signature, 400 other bytes, 412 key taken, 404 missing, 413 too large. Their
 * body is JSON: `{"error": {"code", "message", "where", "remedy"}}`.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DirectoryObjectStore, OBJECTS_PATH } from './directory';
import { checkKey, StorageError, type StorageErrorCode } from './object-store';
import { base64ToHex, CHECKSUM_HEADER, contentDisposition } from './presigned-headers';

const STATUS: Record<StorageErrorCode, number> = {
  NOT_FOUND: 404,
  ALREADY_EXISTS: 412,
  CHECKSUM_MISMATCH: 400,
  SIZE_MISMATCH: 400,
  TOO_LARGE: 413,
  INVALID_KEY: 400,
  INVALID_ARGUMENT: 400,
  ACCESS_DENIED: 403,
  UNAVAILABLE: 503,
};

type ObjectRequest = FastifyRequest<{ Params: { '*': string }; Querystring: Record<string, unknown> }>;

/** A fastify plugin; register it without a prefix on the server that {@link DirectoryOptions.publicUrl} names. */
export async function directoryStoreRoutes(
  app: FastifyInstance,
  options: { store: DirectoryObjectStore },
): Promise<void> {
  const { store } = options;

  // Bodies stay streams, whatever their type, and are read only after the signature has been checked.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof StorageError)) throw error;
    request.log.info({ code: error.code, where: error.where }, error.message);
    const { code, message, where, remedy } = error;
    return reply.code(STATUS[code]).send({ error: { code, message, where, remedy } });
  });

  const verify = (request: ObjectRequest) => {
    const key = checkKey(request.params['*']);
    return {
      key,
      fileName: store.signer.verify({ method: request.method, key, headers: request.headers }, request.query),
    };
  };

  app.put(`${OBJECTS_PATH}/*`, async (request: ObjectRequest, reply) => {
    const { key } = verify(request);
    // The signature covers these headers, so they are as presignPut made them.
    await store.write(key, request.raw, {
      sizeBytes: Number(request.headers['content-length']),
      sha256: base64ToHex(String(request.headers[CHECKSUM_HEADER])),
      contentType: String(request.headers['content-type']),
    });
    return reply.code(200).send();
  });

  app.get(`${OBJECTS_PATH}/*`, { exposeHeadRoute: false }, async (request: ObjectRequest, reply) => {
    const { key, fileName } = verify(request);
    const { head, content } = await store.open(key);
    return reply
      .headers({
        'content-type': head.contentType,
        'content-length': head.sizeBytes,
        'content-disposition': fileName === undefined ? 'attachment' : contentDisposition(fileName),
        // Objects come from users and share the dashboard's origin: a browser must neither run nor guess at them.
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-store',
      })
      .send(content);
  });

  // Other methods are never signed: refused like any other signature that does not fit.
  app.route({
    method: ['HEAD', 'POST', 'DELETE', 'PATCH'],
    url: `${OBJECTS_PATH}/*`,
    handler: async (request, _reply: FastifyReply) => verify(request as ObjectRequest),
  });
}
