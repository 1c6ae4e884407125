import type { Request, Response } from 'express';
import { type RandomToken, randomToken } from '../tokens/random-token.js';

const SESSION_COOKIE = 'daybook_session';
/** A day of work. The session ends with the cookie. */
export const COOKIE_LIFE_MS = 86_400_000;
const FORM = /^dbs_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const PREFIX = `${SESSION_COOKIE}=`;

/** @returns The value of a new cookie, `dbs_<session id>_<secret>`, and its hash. */
export const newCookie = (sessionId: string): RandomToken => randomToken(`dbs_${sessionId}_`);

/** @returns The session that a cookie names, or null if the value has another form. */
export function parseCookie(value: string): { sessionId: string } | null {
  const sessionId = FORM.exec(value)?.[1];
  return sessionId === undefined ? null : { sessionId };
}

/** @returns The value of the session's cookie; undefined without one. The first one counts (RFC 6265, section 5.4). */
export function cookieOf({ headers }: Pick<Request, 'headers'>): string | undefined {
  const text = headers.cookie;
  if (text === undefined || !text.includes(PREFIX)) return undefined;
  const found = text.split(';').find((pair) => pair.trimStart().startsWith(PREFIX));
  return found?.trim().slice(PREFIX.length);
}

/** Scripts cannot read the cookie, other sites cannot send it, and behind TLS it is sent over TLS only. */
const attributes = ({ secure }: Request) => ({ httpOnly: true, sameSite: 'strict', secure, path: '/' }) as const;

export function setCookie(request: Request, response: Response, value: string): void {
  response.cookie(SESSION_COOKIE, value, { ...attributes(request), maxAge: COOKIE_LIFE_MS });
}

export function clearCookie(request: Request, response: Response): void {
  response.clearCookie(SESSION_COOKIE, attributes(request));
}
