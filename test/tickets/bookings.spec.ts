/**
 * A booking, its tickets, its sale in the organizer's journal and its mail are one transaction. It keeps its price,
 * is cancelled once, and is seen by its customer and the organizer of its event only.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import {
  type TestUser,
  book,
  booked,
  cancel,
  linesOf,
  mailTo,
  makePast,
  publish,
  register,
  soldOf,
} from './tickets-fixture.js';

const UNKNOWN_ID = uuidv7();

let daybook: Daybook;
let organizer: TestUser;
let other: TestUser;
let customer: TestUser;
let stranger: TestUser;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
  organizer = await register(daybook, 'organizer', 'Olga');
  other = await register(daybook, 'organizer', 'Otto');
  customer = await register(daybook, 'customer', 'Cora');
  stranger = await register(daybook, 'customer', 'Sven');
});

const view = (id: string, { headers }: TestUser): Promise<Reply> => get(daybook, `/api/bookings/${id}`, headers);
const sale = (cents: number) => [
  { kind: 'ticket.sold', ledger_account: 'assets:cash', currency: 'EUR', amount_cents: cents },
  { kind: 'ticket.sold', ledger_account: 'income:tickets', currency: 'EUR', amount_cents: -cents },
];
const reversal = (cents: number) => [
  { kind: 'ticket.cancelled', ledger_account: 'assets:cash', currency: 'EUR', amount_cents: -cents },
  { kind: 'ticket.cancelled', ledger_account: 'income:tickets', currency: 'EUR', amount_cents: cents },
];

it('bookings that wait for their event leave connections to other callers', async () => {
  const { id } = await publish(daybook, organizer);
  const client = new Client({ connectionString: daybook.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM events WHERE id = $1 FOR UPDATE', [id]);
    const waiting = Array.from({ length: 30 }, () => book(daybook, customer, id));
    await eventually(async () => expect(await lockWaits()).toBe(2));
    // More requests than the pool has connections.
    for (let n = 0; n < 20; n++) expect((await get(daybook, `/api/events/${id}`)).status).toBe(200);
    await client.query('COMMIT');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array<number>(30).fill(201));
    expect(await soldOf(daybook, id)).toBe(30);
  } finally {
    await client.end();
  }
});

/** @returns The number of transactions that wait for a lock. */
async function lockWaits(): Promise<number> {
  const text = `SELECT count(*)::integer AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await sql<{ count: number }>(daybook, text))[0]!.count;
}

describe('a booking', () => {
  it('reserves the tickets, posts the sale and confirms it by mail', async () => {
    const event = await publish(daybook, organizer);
    const guest = await register(daybook, 'customer', 'Gil');
    const reply = await book(daybook, guest, event.id, 2);
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`/api/bookings/${reply.json.id}`);
    expect(reply.json).toEqual({
      id: expect.any(String),
      event: { ...event, tickets_sold: 2 },
      num_tickets: 2,
      price_cents: 25_00,
      currency: 'EUR',
      total_cents: 50_00,
      status: 'confirmed',
      created_at: expect.any(String),
    });
    expect((await view(reply.json.id, guest)).json).toEqual(reply.json);
    expect(await soldOf(daybook, event.id)).toBe(2);
    expect(await linesOf(daybook, reply.json.id)).toEqual(sale(50_00));
    expect(await mailTo(daybook, guest.email)).toEqual(['booking-confirmed']);
    const entries = (await get(daybook, '/api/journal/entries?limit=1')).json.entries;
    expect(entries[0]).toMatchObject({
      kind: 'ticket.sold',
      source_type: 'booking',
      source_id: reply.json.id,
      effective_at: reply.json.created_at,
    });
    expectProblem(await post(daybook, `/api/journal/entries/${entries[0].number}/reverse`, {}), 409);
  });

  it('keeps its price when that of the event changes', async () => {
    const event = await publish(daybook, organizer);
    const { id } = await booked(daybook, customer, event.id);
    const headers = organizer.headers;
    await send(daybook, 'PATCH', `/api/events/${event.id}`, { body: { price_cents: 99_00 }, headers });
    expect((await view(id, customer)).json).toMatchObject({
      price_cents: 25_00,
      total_cents: 25_00,
      event: { price_cents: 99_00 },
    });
    expect((await booked(daybook, customer, event.id)).price_cents).toBe(99_00);
    await cancel(daybook, customer, id);
    expect(await linesOf(daybook, id)).toEqual([...sale(25_00), ...reversal(25_00)]);
  });

  it('of a free event posts nothing, also when it is cancelled', async () => {
    const event = await publish(daybook, organizer, { price_cents: 0 });
    const { id } = await booked(daybook, customer, event.id);
    expect((await cancel(daybook, customer, id)).status).toBe(200);
    expect(await linesOf(daybook, id)).toEqual([]);
  });

  it('is refused when too few tickets are left, and the response contains their number', async () => {
    const event = await publish(daybook, organizer, { total_tickets: 3 });
    await booked(daybook, customer, event.id, 1);
    const three = await book(daybook, customer, event.id, 3);
    expectProblem(three, 409);
    expect(three.json).toMatchObject({
      type: 'urn:daybook:problem:sold-out',
      detail: 'Only 2 tickets are left',
      tickets_left: 2,
    });
    await booked(daybook, customer, event.id, 2);
    expect((await book(daybook, customer, event.id)).json).toMatchObject({ status: 409, tickets_left: 0 });
    expect(await soldOf(daybook, event.id)).toBe(3);
  });

  it.each<[string, unknown]>([
    ['none', 0],
    ['a negative number', -1],
    ['a fraction', 1.5],
    ['text', '2'],
    ['null', null],
    ['a huge number', 1e9],
    ['a number beyond 2^31', 2 ** 31],
    ['a number beyond 2^53', 1e300],
  ])('of %s of tickets is refused', async (_, tickets) => {
    const event = await publish(daybook, organizer);
    const reply = await book(daybook, customer, event.id, tickets);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe('num_tickets');
    expect(await soldOf(daybook, event.id)).toBe(0);
  });

  it.each(['price_cents', 'total_cents', 'customer_id', 'status', 'account_id', 'currency'])(
    'cannot set %s',
    async (field) => {
      const event = await publish(daybook, organizer);
      const body = { event_id: event.id, num_tickets: 1, [field]: 1 };
      expectProblem(await post(daybook, '/api/bookings', body, customer.headers), 422);
    },
  );

  it('is refused for an event that is unknown or has begun', async () => {
    expectProblem(await book(daybook, customer, UNKNOWN_ID), 404);
    expectProblem(await book(daybook, customer, 'x'), 422);
    const event = await publish(daybook, organizer);
    await makePast(daybook, event.id);
    expectProblem(await book(daybook, customer, event.id), 409);
  });

  it('is created once under an idempotency key', async () => {
    const event = await publish(daybook, organizer);
    const key = { 'idempotency-key': uuidv7() };
    const first = await book(daybook, customer, event.id, 2, key);
    const replies = await Promise.all([1, 2, 3].map(() => book(daybook, customer, event.id, 2, key)));
    for (const again of replies) {
      expect([again.status, again.text]).toEqual([201, first.text]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
    expectProblem(await book(daybook, customer, event.id, 3, key), 422);
    // Keys are separate for each customer.
    expect((await book(daybook, stranger, event.id, 2, key)).json.id).not.toBe(first.json.id);
    expect(await soldOf(daybook, event.id)).toBe(4);
  });

  it('is created once when repeats are concurrent', async () => {
    const event = await publish(daybook, organizer);
    const key = { 'idempotency-key': uuidv7() };
    const replies = await Promise.all(Array.from({ length: 8 }, () => book(daybook, customer, event.id, 1, key)));
    expect(replies.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(await soldOf(daybook, event.id)).toBe(1);
  });
});

describe('a cancellation', () => {
  it('returns the tickets and posts the reversal, once', async () => {
    const event = await publish(daybook, organizer);
    const guest = await register(daybook, 'customer');
    const { id } = await booked(daybook, guest, event.id, 3);
    const replies = await Promise.all(Array.from({ length: 5 }, () => cancel(daybook, guest, id)));
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409]);
    expect(replies.find(({ status }) => status === 200)!.json).toMatchObject({
      id,
      status: 'cancelled',
      event: { tickets_sold: 0 },
    });
    expect(await soldOf(daybook, event.id)).toBe(0);
    expect(await linesOf(daybook, id)).toEqual([...sale(75_00), ...reversal(75_00)]);
    expect(await mailTo(daybook, guest.email)).toEqual(['booking-confirmed', 'booking-cancelled']);
  });

  it('happens once under an idempotency key, and a repeat gets the first answer', async () => {
    const event = await publish(daybook, organizer);
    const { id } = await booked(daybook, customer, event.id, 2);
    const key = { 'idempotency-key': uuidv7() };
    const replies = await Promise.all([1, 2, 3].map(() => cancel(daybook, customer, id, key)));
    expect(replies.map(({ status, text }) => [status, text])).toEqual(replies.map(() => [200, replies[0]!.text]));
    expect(replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true')).toHaveLength(2);
    const headers = { ...customer.headers, ...key };
    expectProblem(await send(daybook, 'POST', `/api/bookings/${id}/cancel`, { body: { note: 'x' }, headers }), 422);
    // Keys are separate for each customer, and the booking belongs to the other one.
    expectProblem(await cancel(daybook, stranger, id, key), 404);
    expectProblem(await cancel(daybook, customer, id), 409);
    expect(await soldOf(daybook, event.id)).toBe(0);
    expect(await linesOf(daybook, id)).toEqual([...sale(50_00), ...reversal(50_00)]);
  });

  it('is refused once the event has begun', async () => {
    const event = await publish(daybook, organizer);
    const { id } = await booked(daybook, customer, event.id);
    await makePast(daybook, event.id);
    expectProblem(await cancel(daybook, customer, id), 409);
    expect(await soldOf(daybook, event.id)).toBe(1);
  });
});

describe('a closed month', () => {
  /** Also the next month, if it is about to begin. */
  const periods = async (name: 'close' | 'reopen'): Promise<void> => {
    const months = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString().slice(0, 7));
    for (const month of months)
      expect((await post(daybook, `/api/periods/${month}/${name}`, undefined)).status).toBe(200);
  };

  it('refuses bookings, cancellations and deletions, which leave no rows', async () => {
    const event = await publish(daybook, organizer);
    const { id } = await booked(daybook, customer, event.id, 2);
    const mails = await mailTo(daybook, customer.email);
    await periods('close');
    try {
      for (const reply of [
        await book(daybook, customer, event.id),
        await cancel(daybook, customer, id),
        await send(daybook, 'DELETE', `/api/events/${event.id}`, { headers: organizer.headers }),
      ]) {
        expectProblem(reply, 409);
        expect(reply.json.type).toBe('urn:daybook:problem:period-closed');
      }
      expect(await soldOf(daybook, event.id)).toBe(2);
      expect(await mailTo(daybook, customer.email)).toEqual(mails);
      expect((await view(id, customer)).json).toMatchObject({ status: 'confirmed', event: { status: 'active' } });
      const free = await publish(daybook, organizer, { price_cents: 0 });
      await booked(daybook, customer, free.id);
    } finally {
      await periods('reopen');
    }
    expect((await cancel(daybook, customer, id)).status).toBe(200);
  });
});

describe('the bookings of others', () => {
  it('are 404, except for the organizer of the event, who sees the customer', async () => {
    const event = await publish(daybook, organizer);
    const booking = await booked(daybook, customer, event.id);
    expectProblem(await view(booking.id, stranger), 404);
    expectProblem(await view(booking.id, other), 404);
    expectProblem(await cancel(daybook, stranger, booking.id), 404);
    expectProblem(await get(daybook, `/api/bookings/${booking.id}`), 401);
    const { id, name, email } = customer;
    expect((await view(booking.id, organizer)).json).toEqual({ ...booking, customer: { id, name, email } });
    const list = await get(daybook, `/api/events/${event.id}/bookings`, organizer.headers);
    expect(list.json).toEqual({ bookings: [{ ...booking, customer: { id, name, email } }], next_cursor: null });
    for (const unknown of [UNKNOWN_ID, 'x', '%00']) {
      expectProblem(await view(unknown, customer), 404);
      expectProblem(await cancel(daybook, customer, unknown), 404);
    }
  });

  it('are in no list', async () => {
    const event = await publish(daybook, organizer);
    const guest = await register(daybook, 'customer');
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await booked(daybook, guest, event.id)).id);
    await booked(daybook, stranger, event.id);
    await cancel(daybook, guest, ids[0]!);
    const me = (query: string) => get(daybook, `/api/bookings/me${query}`, guest.headers);
    const idsOf = ({ json }: Reply): string[] => json.bookings.map(({ id }: { id: string }) => id);
    expect(idsOf(await me(''))).toEqual(ids);
    const page = await me('?limit=2');
    expect(idsOf(page)).toEqual(ids.slice(0, 2));
    expect(idsOf(await me(`?limit=2&cursor=${page.json.next_cursor}`))).toEqual(ids.slice(2));
    expectProblem(await me('?customer_id=x'), 422);
    expectProblem(await get(daybook, '/api/bookings/me'), 401);
  });
});

describe('an organizer', () => {
  it('cannot book or cancel', async () => {
    const event = await publish(daybook, organizer);
    const { id } = await booked(daybook, customer, event.id);
    expectProblem(await book(daybook, organizer, event.id), 403);
    expectProblem(await cancel(daybook, organizer, id), 403);
    expectProblem(await get(daybook, '/api/bookings/me', organizer.headers), 403);
  });
});
