/**
 * Concurrent bookings over several processes sell exactly the tickets of an event, and post each sale once. This also
 * holds with concurrent cancellations, and when a process is killed.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { verifyBooks } from '../chaos/books/book-database.js';
import type { Reply } from '../support/client.js';
import { DATABASE_ENVIRONMENT, createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { type TestUser, book, cancel, publish, register, soldOf } from './tickets-fixture.js';

const TICKETS = 100;
const BOOKINGS = 1_000;
const CUSTOMERS = 20;
const PRICE_CENTS = 7;
const TIMEOUT_MS = 300_000;

let env: Record<string, string>;
let databaseUrl: string;
let first: Daybook;
let second: Daybook;
let organizer: TestUser;
let customers: TestUser[];
beforeAll(async () => {
  const database = await createDatabase();
  databaseUrl = database.url;
  env = { ...UNLIMITED, DATABASE_URL: databaseUrl, REDIS_URL: await redisUrl() };
  first = await startDaybook({ env });
  second = await startDaybook({ env });
  organizer = await register(first, 'organizer');
  customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => register(first, 'customer')));
}, 120_000);

const customerOf = (index: number): TestUser => customers[index % CUSTOMERS]!;
const newEvent = async (): Promise<string> =>
  (await publish(first, organizer, { total_tickets: TICKETS, price_cents: PRICE_CENTS })).id as string;

/** Returns the entries of each kind that an event's bookings posted, and the balance of their income. */
async function postedOf(eventId: string): Promise<{ sales: number; reversals: number; income: number }> {
  const [row] = await sql<{ sales: number; reversals: number; income: number }>(
    first,
    `SELECT count(*) FILTER (WHERE e.kind = 'ticket.sold')::integer AS sales,
        count(*) FILTER (WHERE e.kind = 'ticket.cancelled')::integer AS reversals,
        coalesce(-sum(l.amount_cents), 0)::integer AS income
      FROM bookings b JOIN journal_entries e ON e.account_id = b.account_id AND e.source_id = b.id
        JOIN journal_lines l ON l.account_id = e.account_id AND l.number = e.number AND l.ledger_account = 'income:tickets'
      WHERE b.event_id = $1`,
    [eventId],
  );
  return row!;
}

async function expectBooksHold(): Promise<void> {
  expect(await verifyBooks(databaseUrl, DATABASE_ENVIRONMENT)).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining('nothing differs'),
  });
}

const statusesOf = (replies: Reply[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe(`${BOOKINGS} bookings at once over two processes for ${TICKETS} tickets`, () => {
  it(
    'sell exactly all tickets, and post each sale once',
    async () => {
      const id = await newEvent();
      const replies = await Promise.all(
        Array.from({ length: BOOKINGS }, (_, n) => book(n % 2 ? first : second, customerOf(n), id)),
      );
      expect(statusesOf(replies)).toEqual({ 201: TICKETS, 409: BOOKINGS - TICKETS });
      for (const { status, json } of replies) {
        if (status === 409) expect([json.type, json.tickets_left]).toEqual(['urn:daybook:problem:sold-out', 0]);
      }
      expect(await soldOf(first, id)).toBe(TICKETS);
      expect(await postedOf(id)).toEqual({ sales: TICKETS, reversals: 0, income: TICKETS * PRICE_CENTS });
      await expectBooksHold();
    },
    TIMEOUT_MS,
  );

  it(
    'sell no ticket twice during cancellations',
    async () => {
      const id = await newEvent();
      let cancelled = 0;
      const bookAndGiveBack = async (n: number): Promise<void> => {
        const reply = await book(n % 2 ? first : second, customerOf(n), id);
        expect([201, 409]).toContain(reply.status);
        if (reply.status !== 201 || n % 3 > 0) return;
        const given = await cancel(n % 2 ? second : first, customerOf(n), reply.json.id as string);
        expect(given.status).toBe(200);
        cancelled++;
      };
      await Promise.all(Array.from({ length: BOOKINGS }, (_, n) => bookAndGiveBack(n)));
      // Tickets of the last cancellations are free again.
      for (let n = 1; (await book(first, customerOf(n), id)).status === 201; n += 3);
      expect(cancelled).toBeGreaterThan(0);
      expect(await soldOf(first, id)).toBe(TICKETS);
      expect(await postedOf(id)).toEqual({
        sales: TICKETS + cancelled,
        reversals: cancelled,
        income: TICKETS * PRICE_CENTS,
      });
      await expectBooksHold();
    },
    TIMEOUT_MS,
  );

  it(
    'sell exactly all tickets when a process is killed and the customers repeat their requests',
    async () => {
      const id = await newEvent();
      const keys = Array.from({ length: BOOKINGS }, () => ({ 'idempotency-key': uuidv7() }));
      const confirmed = new Set<string>();
      let victim: Daybook | undefined = second;
      const ask = async (n: number): Promise<number | null> => {
        try {
          const reply = await book(n % 2 ? first : second, customerOf(n), id, 1, keys[n]);
          if (reply.status === 503) return null;
          if (reply.status !== 201) return reply.status;
          confirmed.add(reply.json.id as string);
          // Early, while most bookings are in flight.
          if (confirmed.size >= TICKETS / 20) victim?.kill('SIGKILL');
          if (confirmed.size >= TICKETS / 20) victim = undefined;
          return 201;
        } catch {
          return null;
        }
      };
      const answers = await Promise.all(keys.map((_, n) => ask(n)));
      expect(victim).toBeUndefined();
      await second.exited;
      second = await startDaybook({ env });
      // A repeat under the same key returns the booking that the killed process created.
      const lost = answers.flatMap((status, n) => (status === null ? [n] : []));
      expect(lost.length).toBeGreaterThan(0);
      for (const status of await Promise.all(lost.map(ask))) expect([201, 409]).toContain(status);
      const ids = await sql<{ id: string }>(first, 'SELECT id FROM bookings WHERE event_id = $1 ORDER BY id', [id]);
      expect(ids.map((row) => row.id)).toEqual([...confirmed].sort());
      expect(await soldOf(first, id)).toBe(TICKETS);
      expect(await postedOf(id)).toEqual({ sales: TICKETS, reversals: 0, income: TICKETS * PRICE_CENTS });
      await expectBooksHold();
    },
    TIMEOUT_MS,
  );
});
