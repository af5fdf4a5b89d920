/**
 * What HTTP itself needs against hostile clients: headers for browsers, and an end to bodies that trickle in. Knows
 * Fastify; must not know GraphQL, sessions or teams.
 */
import { finished, PassThrough, type Readable } from 'node:stream';
import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Of the body of a GraphQL request, which is small. */
const BODY_TIMEOUT_MS = 10_000;

/** A hook: a body that has not arrived in time is answered and given up, so that nobody holds a request open for long. */
export function limitBodyTime(
  _request: FastifyRequest,
  _reply: FastifyReply,
  payload: Readable,
  done: (error: Error | null, body: Readable) => void,
): void {
  // A stream of its own, because ending the request's would end the connection before the answer.
  const body = payload.pipe(new PassThrough());
  const message = `The body did not arrive within ${BODY_TIMEOUT_MS / 1000} s.`;
  const late = setTimeout(() => body.destroy(Object.assign(new Error(message), { statusCode: 408 })), BODY_TIMEOUT_MS);
  finished(payload, () => clearTimeout(late));
  done(null, body);
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
