/**
 * Everyone reads events and only their organizers change them; bookings, books, requests and mail of others do not
 * exist, for users as for API keys; and users have limits and idempotency keys of their own.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { addKeptMail } from '../support/mail.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { registerUser, type TestUser } from '../support/users.js';

/** By route: the status for another organizer, and for another customer. */
const TO_OTHERS: Record<string, [organizer: number, customer: number]> = {
  'GET /api/events/{id}': [200, 200],
  'PUT /api/events/{id}': [403, 403],
  'PATCH /api/events/{id}': [403, 403],
  'DELETE /api/events/{id}': [403, 403],
  'GET /api/events/{id}/bookings': [403, 403],
  'GET /api/bookings/{id}': [404, 404],
  'POST /api/bookings/{id}/cancel': [403, 404],
  'GET /api/mail/{id}': [403, 403],
  'POST /api/mail/{id}/retry': [403, 403],
};
const ROUTES = Object.keys(TO_OTHERS);
const UNKNOWN_ID = uuidv7();

let daybook: Daybook;
let admin: TestKey;
let organizer: TestUser;
let customer: TestUser;
let others: Record<'organizer' | 'customer', TestUser>;
/** Of the first organizer, the first customer and their account. */
let ids: Record<'events' | 'bookings' | 'mail', string>;
let account: string;

beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  admin = await createKey(daybook, ['admin'], { account: 'operators' });
  organizer = await registerUser(daybook, 'organizer', { name: 'Olga' });
  customer = await registerUser(daybook, 'customer', { name: 'Cora' });
  others = { organizer: await registerUser(daybook, 'organizer'), customer: await registerUser(daybook, 'customer') };
  const event = { title: 'Secret', date: '2099-01-01T00:00:00Z', location: 'B', total_tickets: 9, price_cents: 5 };
  const events = (await post(daybook, '/api/events', event, organizer.headers)).json.id as string;
  const booking = { event_id: events, num_tickets: 2 };
  const bookings = (await post(daybook, '/api/bookings', booking, customer.headers)).json.id as string;
  const [row] = await sql<{ id: string }>(daybook, 'SELECT account_id AS id FROM users WHERE id = $1', [organizer.id]);
  account = row!.id;
  ids = { events, bookings, mail: await addKeptMail(daybook, { account }) };
});

/** Calls a route with an id in its path. */
function call(route: string, id: string, headers: Record<string, string>): Promise<Reply> {
  const [method = '', path = ''] = route.split(' ');
  const body = method === 'PUT' || method === 'PATCH' ? { title: 'Taken over' } : undefined;
  return send(daybook, method, path.replace('{id}', id), { headers, body });
}

const idIn = (route: string): string => ids[/^\S+ \/api\/(\w+)/.exec(route)![1] as keyof typeof ids];

/** The response without the values that differ from request to request. */
function essence({ status, json }: Reply): unknown {
  const { instance: _, ...problem } = json as Record<string, unknown>;
  return { status, problem };
}

describe('the events, bookings and mail of others', () => {
  it('are covered by the table above for every route', async () => {
    const { paths } = (await get(daybook, '/openapi.json')).json as { paths: Record<string, Record<string, object>> };
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const withId = described.filter((route) => /^\S+ \/api\/(events|bookings|mail|auth|users)\b.*\{/.test(route));
    expect(withId.toSorted()).toEqual(ROUTES.toSorted());
  });

  it.each(ROUTES)('return the listed statuses: %s', async (route) => {
    const [toOrganizer, toCustomer] = TO_OTHERS[route]!;
    expect((await call(route, idIn(route), others.organizer.headers)).status).toBe(toOrganizer);
    expect((await call(route, idIn(route), others.customer.headers)).status).toBe(toCustomer);
  });

  it('get the same 404 as unknown ones', async () => {
    for (const route of ROUTES.filter((one) => TO_OTHERS[one]![1] === 404)) {
      const { headers } = others.customer;
      const [theirs, unknown] = [await call(route, idIn(route), headers), await call(route, UNKNOWN_ID, headers)];
      expect([route, essence(theirs)]).toEqual([route, essence(unknown)]);
    }
  });

  it('are unchanged', async () => {
    const event = (await get(daybook, `/api/events/${ids.events}`)).json;
    expect(event).toMatchObject({ title: 'Secret', status: 'active', tickets_sold: 2 });
    const booking = (await get(daybook, `/api/bookings/${ids.bookings}`, customer.headers)).json;
    expect(booking.status).toBe('confirmed');
  });

  it('are in no list', async () => {
    const lists = [
      '/api/bookings/me',
      '/api/journal/entries',
      '/api/journal/balances',
      '/api/requests',
      '/api/actions',
    ];
    const own = await get(daybook, '/api/journal/entries', organizer.headers);
    expect(own.json.entries).toMatchObject([{ kind: 'ticket.sold', source_id: ids.bookings }]);
    for (const path of lists) {
      for (const { headers } of Object.values(others)) {
        const { status, text } = await get(daybook, path, headers);
        expect([path, [200, 403].includes(status)]).toEqual([path, true]);
        for (const trace of [...Object.values(ids), account, customer.email, 'Secret', 'income:tickets'])
          expect([path, text.includes(trace) ? trace : 'nothing']).toEqual([path, 'nothing']);
      }
    }
  });
});

describe('the mail of an account', () => {
  it('is 404 and in no list for an operator who acts for another account', async () => {
    const acting = { ...admin.headers, 'daybook-account': 'operators' };
    for (const route of ROUTES.filter((one) => one.includes('/mail/'))) {
      const [theirs, unknown] = [await call(route, ids.mail, acting), await call(route, UNKNOWN_ID, acting)];
      expect([route, theirs.status, essence(theirs)]).toEqual([route, 404, essence(unknown)]);
    }
    expect((await get(daybook, '/api/mail', acting)).json.messages).toEqual([]);
    expect((await get(daybook, `/api/mail/${ids.mail}`, admin.headers)).status).toBe(200);
  });

  it('is refused to users, keys of other scopes and strangers', async () => {
    const key = await createKey(daybook, ['reports:read', 'reports:write', 'books:read', 'books:write']);
    for (const path of ['/api/mail', `/api/mail/${ids.mail}`]) {
      for (const { headers } of [organizer, customer, key]) expectProblem(await get(daybook, path, headers), 403);
      expectProblem(await get(daybook, path), 401);
    }
  });
});

describe('two users', () => {
  it('do not share idempotency keys', async () => {
    const headers = { 'idempotency-key': uuidv7() };
    const book = (by: TestUser) =>
      post(daybook, '/api/bookings', { event_id: ids.events, num_tickets: 1 }, { ...by.headers, ...headers });
    const [first, second] = [await book(customer), await book(others.customer)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    expect(second.json.id).not.toBe(first.json.id);
    expect((await book(customer)).text).toBe(first.text);
  });

  it.each(['open', 'required'])('have separate limits from one address with AUTH=%s', async (AUTH) => {
    const env = { AUTH, DATABASE_URL: daybook.databaseUrl, RATE_LIMIT_DEFAULT: '3/1m' };
    const limited = await startDaybook({ env });
    const statuses = async ({ headers }: TestUser) => {
      const replies: number[] = [];
      for (let n = 0; n < 5; n++) replies.push((await get(limited, '/api/auth/me', headers)).status);
      return replies;
    };
    expect(await statuses(customer)).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses(others.customer)).toEqual([200, 200, 200, 429, 429]);
  });
});
