import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Reply } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';

export const QUICK = { input_data: 'quick', iterations: 1 };
export const REPLAYED = 'Idempotency-Replayed';
export const keyed = (key: string): Record<string, string> => ({ 'Idempotency-Key': key });
export const olderKeyed = (key: string): Record<string, string> => ({ 'X-Idempotency-Key': key });

/** An async request in a new lane. */
export const asyncBody = (fields: object = {}) => ({ callback_url: null, lane: randomUUID(), ...QUICK, ...fields });

/** @returns the ids of the stored requests with a key. */
export async function idsOf(daybook: Pick<Daybook, 'databaseUrl'>, key: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(daybook, 'SELECT id FROM requests WHERE idempotency_key = $1', [key]);
  return rows.map(({ id }) => id);
}

/** The parts of a response that a repeat must reproduce. */
export function essence({ status, text, headers }: Reply) {
  return { status, text, type: headers.get('content-type'), location: headers.get('location') };
}

export function expectReplayOf(first: Reply, repeat: Reply): void {
  expect(essence(repeat)).toEqual(essence(first));
  expect([first.headers.get(REPLAYED), repeat.headers.get(REPLAYED)]).toEqual([null, 'true']);
}

/** The remaining quota of the caller. */
export const remaining = ({ headers }: Reply) => Number(/;r=(\d+)/.exec(headers.get('ratelimit')!)![1]);

export function expectFresh(reply: Reply, status: number): void {
  expect([reply.status, reply.headers.get(REPLAYED)]).toEqual([status, null]);
}
