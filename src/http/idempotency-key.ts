import type { Request } from 'express';

/** Who used which key for what: the same four never do the work twice. */
export interface IdempotencyKey {
  /** The account, or `open` in an open installation. */
  caller: string;
  /** Method and path of the route. */
  scope: string;
  key: string;
  /** SHA-256 of the canonical body, hex. */
  fingerprint: string;
}

const KEY = Symbol('idempotency-key');
type KeyedRequest = Request & { [KEY]?: IdempotencyKey };

/** Called by the idempotency interceptor, before the handler runs. */
export function setIdempotencyKey(request: KeyedRequest, key: IdempotencyKey): void {
  request[KEY] = key;
}

/** The idempotency key of the request, or null when it was sent without one. */
export function usedKey(request: KeyedRequest): IdempotencyKey | null {
  return request[KEY] ?? null;
}
