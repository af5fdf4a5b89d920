/**
 * The cookie that keeps a browser signed in: HttpOnly, so that no script reads it; SameSite=Lax, so that other sites'
 * requests come without it; Secure with the prefix __Host- where the service is reached by https. Must not know sessions.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

interface Cookie {
  readonly token: string;
  readonly expiresAt: Date;
}

function nameOf(secure: boolean): string {
  return secure ? '__Host-fusecast' : 'fusecast';
}

/** The session token that the browser sent. */
export function readSessionCookie(request: FastifyRequest, secure: boolean): string | undefined {
  return request.cookies[nameOf(secure)];
}

export function setSessionCookie(reply: FastifyReply, secure: boolean, { token, expiresAt }: Cookie): void {
  reply.setCookie(nameOf(secure), token, { ...attributes(secure), expires: expiresAt });
}

export function clearSessionCookie(reply: FastifyReply, secure: boolean): void {
  reply.clearCookie(nameOf(secure), attributes(secure));
}

function attributes(secure: boolean) {
  return { httpOnly: true, sameSite: 'lax', secure, path: '/' } as const;
}
