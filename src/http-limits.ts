/**
 * What HTTP itself needs against hostile clients: headers for browsers, and an end to bodies that trickle in. Knows
 * Fastify; must not know GraphQL, sessions or teams.
 */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { finished, PassThrough, type Readable } from 'node:stream';
import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A hook: a body that has not arrived in time is answered and given up, so that nobody holds a request open for long. */
export function limitBodyTime(seconds: number) {
  return (
    _request: FastifyRequest,
    reply: FastifyReply,
    payload: Readable,
    done: (error: Error | null, body: Readable) => void,
  ): void => {
    // A stream of its own, because ending the request's would end the connection before the answer.
    const body = payload.pipe(new PassThrough());
    const message = `The body did not arrive within ${seconds} s.`;
    const late = setTimeout(() => body.destroy(Object.assign(new Error(message), { statusCode: 408 })), seconds * 1000);
    // Where the request was answered before its body was read, nobody else listens.
    body.on('error', () => {});
    finished(payload, () => clearTimeout(late));
    // What comes after the answer is thrown away for a while, so that the client gets to read it.
    reply.raw.once('finish', () => {
      if (payload.readableEnded) return;
      payload.unpipe(body);
      payload.resume();
      const linger = setTimeout(() => payload.destroy(), seconds * 1000);
      finished(payload, () => clearTimeout(linger));
    });
    done(null, body);
  };
}

/**
 * For the dashboard, and for answers that a browser is made to open. Objects have stricter headers of their own.
 * @param secure clients reach the service by https: browsers are told to use nothing else
 * @param connectSources other origins that the dashboard sends requests to: the object store
 */
export function securityHeaders(secure: boolean, connectSources: readonly string[]): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'", ...connectSources],
        // GraphiQL's style sheet holds its fonts.
        fontSrc: ["'self'", 'data:'],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrcAttr: ["'none'"],
        // Plots set styles on their elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  };
}

/** The answer to what is no HTTP, in the form of all errors. There is no request yet, so its id is in no log. */
export function answerBrokenRequest({ code: cause }: { code?: string }, socket: Socket): void {
  if (cause === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, code, message] =
    cause === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'TOO_LARGE', 'The headers are too large.']
      : cause === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'BAD_INPUT', 'The request did not arrive in time.']
        : ['400 Bad Request', 'BAD_INPUT', 'This is no HTTP request.'];
  const body = JSON.stringify({ errors: [{ message, extensions: { code, requestId: randomUUID() } }] });
  const headers = `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
}
