import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { eventually } from '../../test/support/eventually.js';
import { mintKey } from './api-key.js';
import type { CheckedKey } from './api-key.repository.js';
import { Authenticator } from './authenticator.js';

/** Time within which a revoked key must be rejected. */
const PROMISED_MS = 5_000;

Logger.overrideLogger(false);

/** A database of keys that counts its queries, on a clock that the test moves. */
class Keys {
  nowMs = 1_000;
  queries = 0;
  touched: string[] = [];
  isAway = false;
  /** Responses wait for this. */
  answers: Promise<void> = Promise.resolve();
  private readonly rows = new Map<string, CheckedKey>();
  readonly authenticator = new Authenticator(
    {
      findChecked: async (ids) => {
        this.queries++;
        if (this.isAway) throw new Error('away');
        const found = structuredClone(ids.flatMap((id) => this.rows.get(id) ?? []));
        await this.answers;
        return found;
      },
      touch: (id) => Promise.resolve(void this.touched.push(id)),
    },
    () => this.nowMs,
  );

  add(more: Partial<CheckedKey> = {}): { id: string; text: string; row: CheckedKey } {
    const id = uuidv7();
    const { text, secretHash } = mintKey(id);
    const row: CheckedKey = {
      id,
      name: 'test',
      accountId: uuidv7(),
      secretHash,
      scopes: ['reports:read'],
      isRevoked: false,
      expiresInMs: null,
      lastUsedAgoMs: 0,
      ...more,
    };
    this.rows.set(id, row);
    return { id, text, row };
  }
}

let keys: Keys;
beforeEach(() => {
  keys = new Keys();
});
const check = (text: string) => keys.authenticator.check(text);

it('returns the account and scopes of a key', async () => {
  const { id, text, row } = keys.add({ scopes: ['admin'] });
  expect(await check(text)).toEqual({ keyId: id, name: 'test', accountId: row.accountId, scopes: ['admin'] });
});

it('explains a refusal only to a caller that has the secret', async () => {
  const revoked = keys.add({ isRevoked: true });
  const expired = keys.add({ expiresInMs: 0 });
  expect([await check(revoked.text), await check(expired.text)]).toEqual(['revoked', 'expired']);
  for (const { id } of [revoked, expired]) expect(await check(mintKey(id).text)).toBe('unknown');
  expect(await check(mintKey(uuidv7()).text)).toBe('unknown');
});

describe('the load on the database', () => {
  it('is one query a second for a key in use', async () => {
    const { text } = keys.add();
    for (let ms = 0; ms < 10_000; ms += 5) {
      keys.nowMs += 5;
      await check(text);
    }
    expect(keys.queries).toBeLessThanOrEqual(11);
  });

  it('is one query for concurrent requests with the same key', async () => {
    const { text } = keys.add();
    const checked = await Promise.all(Array.from({ length: 100 }, () => check(text)));
    expect([new Set(checked.map((one) => typeof one)), keys.queries]).toEqual([new Set(['object']), 1]);
  });

  it('is low for guessed keys, which do not evict cached keys', async () => {
    const { text } = keys.add();
    await check(text);
    const guesses = Array.from({ length: 1_000 }, () => check(mintKey(uuidv7()).text));
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(['unknown']));
    expect(keys.queries).toBeLessThanOrEqual(4);
    const before = keys.queries;
    await check(text);
    expect(keys.queries).toBe(before);
  });

  it('is none for malformed keys', async () => {
    for (const text of ['', 'dbk_1_2', 'x'.repeat(10_000)]) expect(await check(text)).toBe('malformed');
    expect(keys.queries).toBe(0);
  });

  it('does not delay requests while a cached key is refreshed', async () => {
    const { text } = keys.add();
    await check(text);
    keys.nowMs += 1_500;
    keys.answers = new Promise(() => undefined);
    expect(await check(text)).toMatchObject({ scopes: ['reports:read'] });
    await eventually(() => keys.queries === 2);
  });
});

describe('revocation and expiry', () => {
  it('takes effect in time, whenever the key is used', async () => {
    const gaps = fc.array(fc.nat({ max: 3_000 }), { minLength: 2, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.nat({ max: 20_000 }), async (gapsMs, afterMs) => {
        keys = new Keys();
        const { text, row } = keys.add();
        const revokedAtMs = keys.nowMs + afterMs;
        for (const gapMs of gapsMs) {
          keys.nowMs += gapMs;
          row.isRevoked ||= keys.nowMs > revokedAtMs;
          const verdict = await check(text);
          if (keys.nowMs - revokedAtMs >= PROMISED_MS) expect(verdict).toBe('revoked');
          if (!row.isRevoked) expect(verdict).not.toBe('revoked');
        }
      }),
    );
  });

  it('takes effect in time even if the database responds late', async () => {
    const { text, row } = keys.add();
    let answer = (): void => undefined;
    keys.answers = new Promise((resolve) => (answer = resolve));
    const first = check(text);
    await eventually(() => keys.queries === 1);
    // The response was read before the revocation and is as old as its query.
    row.isRevoked = true;
    keys.nowMs += 4_500;
    answer();
    await first;
    expect(await check(text)).toBe('revoked');
  });

  it('takes effect between two queries', async () => {
    const { text } = keys.add({ expiresInMs: 500 });
    expect(await check(text)).toMatchObject({ scopes: ['reports:read'] });
    keys.nowMs += 500;
    expect(await check(text)).toBe('expired');
    expect(keys.queries).toBe(1);
  });
});

it('stops using cached keys during an outage of the database', async () => {
  const { text } = keys.add();
  await check(text);
  keys.isAway = true;
  keys.nowMs += 3_000;
  expect(await check(text)).toMatchObject({ scopes: ['reports:read'] });
  keys.nowMs += 1_000;
  await expect(check(text)).rejects.toThrow('away');
  keys.isAway = false;
  expect(await check(text)).toMatchObject({ scopes: ['reports:read'] });
});

describe('the time of last use', () => {
  it('is written once a minute, and only for callers that have the secret', async () => {
    const { id, text } = keys.add({ lastUsedAgoMs: null });
    await check(mintKey(id).text);
    expect(keys.touched).toEqual([]);
    for (let ms = 0; ms < 150_000; ms += 500) {
      keys.nowMs += 500;
      await check(text);
    }
    expect(keys.touched).toEqual([id, id, id]);
  });

  it('is not written if another process has written it', async () => {
    const { text, row } = keys.add({ lastUsedAgoMs: 10_000 });
    await check(text);
    expect(keys.touched).toEqual([]);
    keys.nowMs += 50_000;
    row.lastUsedAgoMs = 5_000;
    await check(text);
    expect(keys.touched).toEqual([]);
    keys.nowMs += 55_000;
    row.lastUsedAgoMs = 60_000;
    await check(text);
    expect(keys.touched).toHaveLength(1);
  });
});
