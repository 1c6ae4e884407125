/**
 * Organizers publish and change their own events, everyone reads them, and callers set only the documented fields. A
 * change is mailed to the attendees. Deleting an event refunds its bookings.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import {
  EVENT,
  type TestUser,
  book,
  booked,
  cancel,
  fanOutsOf,
  inDays,
  linesOf,
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
beforeAll(async () => {
  // Changes stay in the outbox, where the tests read them.
  daybook = await startDaybook({ env: { ...UNLIMITED, MAIL_CHANGE_DELAY: '1h' } });
  organizer = await register(daybook, 'organizer', 'Olga');
  other = await register(daybook, 'organizer', 'Otto');
  customer = await register(daybook, 'customer', 'Cora');
});

const change = (id: string, body: object, by = organizer, method = 'PATCH'): Promise<Reply> =>
  send(daybook, method, `/api/events/${id}`, { body, headers: by.headers });
const remove = (id: string, by = organizer): Promise<Reply> =>
  send(daybook, 'DELETE', `/api/events/${id}`, { headers: by.headers });
const pathsOf = ({ json }: Reply): string[] => json.errors.map(({ path }: { path: string }) => path);

describe('an event', () => {
  it('is published by an organizer and read by everyone', async () => {
    const reply = await post(daybook, '/api/events', EVENT, organizer.headers);
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`/api/events/${reply.json.id}`);
    expect(reply.json).toEqual({
      ...EVENT,
      id: expect.any(String),
      organizer: { id: organizer.id, name: 'Olga' },
      tickets_sold: 0,
      status: 'active',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const read = await get(daybook, `/api/events/${reply.json.id}`);
    expect([read.status, read.json]).toEqual([200, reply.json]);
    expect((await get(daybook, `/api/events/${reply.json.id}`, other.headers)).json).toEqual(reply.json);
  });

  it('has defaults for the description and the currency', async () => {
    const { description: _, currency: __, ...rest } = EVENT;
    const reply = await post(daybook, '/api/events', rest, organizer.headers);
    expect(reply.json).toMatchObject({ description: '', currency: 'USD' });
  });

  it.each<[string, object, string]>([
    ['no tickets', { total_tickets: 0 }, 'total_tickets'],
    ['negative tickets', { total_tickets: -5 }, 'total_tickets'],
    ['a fraction of a ticket', { total_tickets: 1.5 }, 'total_tickets'],
    ['tickets as text', { total_tickets: '10' }, 'total_tickets'],
    ['a huge number of tickets', { total_tickets: 1e9 }, 'total_tickets'],
    ['tickets beyond 2^53', { total_tickets: 1e300 }, 'total_tickets'],
    ['a negative price', { price_cents: -1 }, 'price_cents'],
    ['a fraction of a cent', { price_cents: 0.5 }, 'price_cents'],
    ['a huge price', { price_cents: 1e15 }, 'price_cents'],
    ['an unknown currency', { currency: 'XXQ' }, 'currency'],
    ['a blank title', { title: '  ' }, 'title'],
    ['a title of two lines', { title: 'a\nb' }, 'title'],
    ['a control character in the description', { description: 'a\u001b[2J' }, 'description'],
    ['a long description', { description: 'x'.repeat(5_001) }, 'description'],
    ['a date in the past', { date: inDays(-1) }, 'date'],
    ['a date without an offset', { date: '2099-01-01T12:00:00' }, 'date'],
    ['no location', { location: undefined }, 'location'],
    ['its own tickets_sold', { tickets_sold: 5 }, ''],
    ['its own organizer_id', { organizer_id: UNKNOWN_ID }, ''],
    ['its own organizer', { organizer: { id: UNKNOWN_ID } }, ''],
    ['its own status', { status: 'cancelled' }, ''],
    ['its own account_id', { account_id: UNKNOWN_ID }, ''],
  ])('is refused with %s', async (_, more, path) => {
    const reply = await post(daybook, '/api/events', { ...EVENT, ...more }, organizer.headers);
    expectProblem(reply, 422);
    expect(pathsOf(reply)).toContain(path);
  });

  it('is published once under an idempotency key', async () => {
    const headers = { ...organizer.headers, 'idempotency-key': uuidv7() };
    const body = { ...EVENT, title: uuidv7() };
    const first = await post(daybook, '/api/events', body, headers);
    const again = await post(daybook, '/api/events', body, headers);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await sql(daybook, 'SELECT id FROM events WHERE title = $1', [body.title])).toHaveLength(1);
  });

  it('is 404 for an unknown id with every method', async () => {
    for (const id of [UNKNOWN_ID, 'x', '%00']) {
      expectProblem(await get(daybook, `/api/events/${id}`), 404);
      expectProblem(await change(id, { title: 'x' }), 404);
      expectProblem(await remove(id), 404);
      expectProblem(await get(daybook, `/api/events/${id}/bookings`, organizer.headers), 404);
    }
  });
});

describe('the list of events', () => {
  const list = async (query: Record<string, string>): Promise<string[]> => {
    const reply = await get(daybook, `/api/events?${new URLSearchParams(query).toString()}`);
    expect([reply.status, reply.text]).toEqual([200, reply.text]);
    return reply.json.events.map(({ title }: { title: string }) => title);
  };

  it('has the soonest first, and filters by time, text and location', async () => {
    const mark = uuidv7();
    const add = (title: string, days: number, more: object = {}) =>
      publish(daybook, organizer, { title: `${title} ${mark}`, date: inDays(days), ...more });
    await add('Late', 20, { description: 'An ODD 50%_off' });
    await add('Soon', 10, { location: `Hall ${mark}` });
    const past = await add('Past', 5);
    await makePast(daybook, past.id);
    expect(await list({ q: mark.toUpperCase() })).toEqual([`Soon ${mark}`, `Late ${mark}`]);
    expect(await list({ q: mark, from: inDays(15) })).toEqual([`Late ${mark}`]);
    expect(await list({ q: mark, to: inDays(15) })).toEqual([`Past ${mark}`, `Soon ${mark}`]);
    expect(await list({ q: mark, from: inDays(-1), to: inDays(11) })).toEqual([`Past ${mark}`, `Soon ${mark}`]);
    expect(await list({ location: `hall ${mark}` })).toEqual([`Soon ${mark}`]);
    expect(await list({ q: 'odd 50%_o', from: inDays(19) })).toEqual([`Late ${mark}`]);
    expect(await list({ q: `_oon ${mark}` })).toEqual([]);
  });

  it('has the events of one organizer only, with the other filters', async () => {
    const mark = uuidv7();
    const add = (title: string, by: TestUser, days: number) =>
      publish(daybook, by, { title: `${title} ${mark}`, date: inDays(days) });
    await add('Late', other, 20);
    await add('Soon', other, 10);
    await add('Foreign', organizer, 12);
    expect(await list({ q: mark, organizer_id: other.id })).toEqual([`Soon ${mark}`, `Late ${mark}`]);
    expect(await list({ q: mark, organizer_id: other.id, from: inDays(15) })).toEqual([`Late ${mark}`]);
    expect(await list({ q: mark, organizer_id: customer.id })).toEqual([]);
    const { json } = await get(daybook, `/api/events?organizer_id=${other.id}&from=1970-01-01T00:00:00Z&limit=200`);
    const organizers = json.events.map((event: { organizer: { id: string } }) => event.organizer.id);
    expect([...new Set(organizers)]).toEqual([other.id]);
    const reply = await get(daybook, '/api/events?organizer_id=Otto');
    expectProblem(reply, 422);
    expect(pathsOf(reply)).toEqual(['organizer_id']);
  });

  it('pages by a cursor, also over events of the same time', async () => {
    const mark = uuidv7();
    const date = inDays(12);
    for (let n = 0; n < 5; n++) await publish(daybook, organizer, { title: `${n} ${mark}`, date });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = new URLSearchParams({ q: mark, limit: '2', ...(cursor && { cursor }) });
      const { json } = await get(daybook, `/api/events?${query.toString()}`);
      seen.push(...json.events.map(({ title }: { title: string }) => title[0]));
      cursor = json.next_cursor;
    }
    expect(seen).toEqual(['0', '1', '2', '3', '4']);
  });

  it.each([
    '?limit=0',
    '?limit=x',
    '?from=yesterday',
    '?cursor=x',
    '?colour=red',
    `?from=${inDays(2)}&to=${inDays(1)}`,
  ])('refuses %s', async (query) => {
    expectProblem(await get(daybook, `/api/events${query}`), 422);
  });
});

describe('a change', () => {
  it.each(['PATCH', 'PUT'])('by %s sets the given fields and keeps the others', async (method) => {
    const event = await publish(daybook, organizer);
    const reply = await change(event.id, { title: 'Blues', total_tickets: 5 }, organizer, method);
    expect([reply.status, reply.text]).toEqual([200, reply.text]);
    expect(reply.json).toEqual({ ...event, title: 'Blues', total_tickets: 5, updated_at: expect.any(String) });
    expect((await get(daybook, `/api/events/${event.id}`)).json).toEqual(reply.json);
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['tickets_sold', { tickets_sold: 0 }],
    ['organizer_id', { title: 'x', organizer_id: UNKNOWN_ID }],
    ['status', { status: 'active' }],
    ['id', { id: UNKNOWN_ID }],
    ['a negative number of tickets', { total_tickets: -1 }],
    ['a date in the past', { date: inDays(-1) }],
    ['null', { title: null }],
  ])('of %s is refused', async (_, body) => {
    const event = await publish(daybook, organizer);
    for (const method of ['PATCH', 'PUT']) expectProblem(await change(event.id, body, organizer, method), 422);
    expect((await get(daybook, `/api/events/${event.id}`)).json).toEqual(event);
  });

  it('is refused to everyone but its organizer', async () => {
    const event = await publish(daybook, organizer);
    for (const method of ['PATCH', 'PUT']) {
      expectProblem(await change(event.id, { title: 'x' }, other, method), 403);
      expectProblem(await change(event.id, { title: 'x' }, customer, method), 403);
      expectProblem(await send(daybook, method, `/api/events/${event.id}`, { body: { title: 'x' } }), 401);
    }
    for (const headers of [other.headers, customer.headers]) {
      expectProblem(await send(daybook, 'DELETE', `/api/events/${event.id}`, { headers }), 403);
      expectProblem(await get(daybook, `/api/events/${event.id}/bookings`, headers), 403);
    }
    expectProblem(await send(daybook, 'DELETE', `/api/events/${event.id}`), 401);
    expectProblem(await get(daybook, `/api/events/${event.id}/bookings`), 401);
    expectProblem(await post(daybook, '/api/events', EVENT, customer.headers), 403);
    expectProblem(await post(daybook, '/api/events', EVENT), 401);
    expect((await get(daybook, `/api/events/${event.id}`)).json).toEqual(event);
  });

  it('cannot leave fewer tickets than are sold, or another currency', async () => {
    const event = await publish(daybook, organizer, { total_tickets: 10 });
    const { id } = await booked(daybook, customer, event.id, 4);
    const shrunk = await change(event.id, { total_tickets: 3 });
    expectProblem(shrunk, 409);
    expect(shrunk.json.detail).toContain('4 tickets are sold');
    expectProblem(await change(event.id, { currency: 'USD' }), 409);
    expect((await change(event.id, { total_tickets: 4, currency: 'EUR' })).status).toBe(200);
    expect((await book(daybook, customer, event.id, 1)).status).toBe(409);
    expect((await cancel(daybook, customer, id)).status).toBe(200);
    expect((await change(event.id, { total_tickets: 1, currency: 'USD' })).json).toMatchObject({
      total_tickets: 1,
      currency: 'USD',
    });
  });

  it('is mailed to the attendees with only the changed fields', async () => {
    const event = await publish(daybook, organizer);
    await booked(daybook, customer, event.id);
    expect((await change(event.id, { title: EVENT.title, date: EVENT.date })).json.updated_at).toBe(event.updated_at);
    expect(await fanOutsOf(daybook, event.id)).toEqual([]);
    await change(event.id, { title: EVENT.title, location: 'New Brewery', price_cents: 30_00 });
    expect(await fanOutsOf(daybook, event.id)).toEqual([
      {
        template: 'event-changed',
        data: {
          event: { title: EVENT.title, date: EVENT.date, location: 'New Brewery' },
          changes: [
            { field: 'location', from: EVENT.location, to: 'New Brewery' },
            { field: 'price', from: '25.00 EUR', to: '30.00 EUR' },
          ],
        },
      },
    ]);
  });

  it('of an event without attendees, or one that has begun, sends nothing', async () => {
    const empty = await publish(daybook, organizer);
    expect((await change(empty.id, { title: 'x' })).status).toBe(200);
    expect(await fanOutsOf(daybook, empty.id)).toEqual([]);
    const past = await publish(daybook, organizer);
    await booked(daybook, customer, past.id);
    await makePast(daybook, past.id);
    expect((await change(past.id, { title: 'x' })).status).toBe(200);
    expect(await fanOutsOf(daybook, past.id)).toEqual([]);
  });
});

describe('deleting', () => {
  it('an event that was never booked removes it', async () => {
    const { id } = await publish(daybook, organizer);
    expect((await remove(id)).json).toEqual({ deleted: true, id, cancelled_bookings: 0 });
    expectProblem(await get(daybook, `/api/events/${id}`), 404);
    expectProblem(await remove(id), 404);
  });

  it('a booked event cancels and refunds its bookings, and sends one mail to each attendee', async () => {
    const event = await publish(daybook, organizer, { title: uuidv7() });
    const kept = await booked(daybook, customer, event.id, 2);
    const given = await booked(daybook, customer, event.id, 3);
    await cancel(daybook, customer, given.id);
    await change(event.id, { location: 'Elsewhere' });
    const reply = await remove(event.id);
    expect([reply.status, reply.json]).toEqual([200, { deleted: true, id: event.id, cancelled_bookings: 1 }]);
    expect(await soldOf(daybook, event.id)).toBe(0);
    for (const [{ id }, cents] of [
      [kept, 50_00],
      [given, 75_00],
    ] as const) {
      expect((await get(daybook, `/api/bookings/${id}`, customer.headers)).json).toMatchObject({
        status: 'cancelled',
        event: { status: 'cancelled', tickets_sold: 0 },
      });
      expect(await linesOf(daybook, id)).toEqual([
        { kind: 'ticket.sold', ledger_account: 'assets:cash', currency: 'EUR', amount_cents: cents },
        { kind: 'ticket.sold', ledger_account: 'income:tickets', currency: 'EUR', amount_cents: -cents },
        { kind: 'ticket.cancelled', ledger_account: 'assets:cash', currency: 'EUR', amount_cents: -cents },
        { kind: 'ticket.cancelled', ledger_account: 'income:tickets', currency: 'EUR', amount_cents: cents },
      ]);
    }
    expect((await fanOutsOf(daybook, event.id)).map(({ template }) => template)).toEqual(['event-cancelled']);
    expect((await get(daybook, `/api/events?q=${event.title}`)).json.events).toEqual([]);
    expect((await get(daybook, `/api/events/${event.id}`)).json.status).toBe('cancelled');
    expectProblem(await remove(event.id), 409);
    expectProblem(await change(event.id, { title: 'x' }), 409);
    expectProblem(await book(daybook, customer, event.id), 409);
    expectProblem(await cancel(daybook, customer, kept.id), 409);
  });

  it('a booked event that has begun is refused', async () => {
    const event = await publish(daybook, organizer);
    await booked(daybook, customer, event.id);
    await makePast(daybook, event.id);
    expectProblem(await remove(event.id), 409);
    expect(await soldOf(daybook, event.id)).toBe(1);
  });
});
