/**
 * A listener of `/api/live` gets the state, then what changes, and ends with what the list shows, also over a crash of the
 * service. `/api/requests/{id}/events` has each event of a request once, in order, and ends.
 */
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { type EventStream, openEvents } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { UNLIMITED } from '../support/submit.js';
import { UNKNOWN_ID } from '../edge/authentication-fixture.js';

let daybook: Daybook;
let receiver: Receiver;
const streams: EventStream[] = [];

beforeAll(async () => {
  receiver = await startReceiver();
  daybook = await start();
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
  receiver.answer({ status: 200 });
});

function start(databaseUrl?: string): Promise<Daybook> {
  const env = { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '100ms,100ms' };
  return startDaybook({ env: databaseUrl === undefined ? env : { ...env, DATABASE_URL: databaseUrl } });
}

async function open(path: string, headers?: Record<string, string>): Promise<EventStream> {
  const stream = await openEvents(daybook, path, headers);
  streams.push(stream);
  return stream;
}

async function accept(body: object): Promise<string> {
  const { status, json } = await post(daybook, '/api/async', {
    iterations: 1,
    input_data: 'x',
    callback_url: null,
    ...body,
  });
  expect(status).toBe(202);
  return json.request_id;
}

/** A request of which a view has no room for 150. */
const large = () => ({ lane: 'large', iterations: 1, input_data: 'x'.repeat(10_000), callback_url: null });

/** The requests and lanes that a page would show after these events. */
function shownBy({ events }: EventStream) {
  const requests = new Map<string, object>();
  const lanes = new Map<string, object>();
  for (const { type, data } of events) {
    if (type === 'state') {
      requests.clear();
      lanes.clear();
    }
    for (const row of data.requests) requests.set(row.id, row);
    for (const row of data.lanes) lanes.set(row.lane, row);
    for (const id of data.removed?.requests ?? []) requests.delete(id);
    for (const name of data.removed?.lanes ?? []) lanes.delete(name);
  }
  const newestFirst = [...requests].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, row]) => row);
  return { requests: newestFirst, lanes: [...lanes.values()] };
}

async function untilShown(stream: EventStream, query: string): Promise<void> {
  await eventually(async () => {
    const list = await get(daybook, `/api/requests${query}`);
    expect(shownBy(stream).requests).toEqual(list.json.requests);
    expect(list.json.requests.every(({ status }: { status: string }) => status === 'COMPLETED')).toBe(true);
  });
}

describe('GET /api/live', () => {
  it('sends the state first, and then what changes, until it equals the list', async () => {
    await post(daybook, '/api/lanes/live/pause', undefined);
    const first = await accept({ lane: 'live' });
    const stream = await open('/api/live?lane=live');
    await eventually(() => expect(stream.events).toHaveLength(1));
    expect(stream.events[0]).toMatchObject({
      type: 'state',
      data: { requests: [{ id: first, status: 'PENDING' }], lanes: [{ lane: 'live', paused: true, pending: 1 }] },
    });
    await accept({ lane: 'live' });
    await accept({ lane: 'other' });
    await post(daybook, '/api/lanes/live/resume', undefined);
    await untilShown(stream, '?lane=live');
    await eventually(() => expect(shownBy(stream).lanes).toMatchObject([{ lane: 'live', paused: false, pending: 0 }]));
    const versions = stream.events.map(({ data }) => data.version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  });

  it('removes requests that do not match its filter any more', async () => {
    await post(daybook, '/api/lanes/filtered/pause', undefined);
    const id = await accept({ lane: 'filtered' });
    const stream = await open('/api/live?lane=filtered&status=PENDING');
    await eventually(() => expect(shownBy(stream).requests).toMatchObject([{ id }]));
    await post(daybook, '/api/lanes/filtered/resume', undefined);
    await eventually(() => expect(shownBy(stream).requests).toEqual([]));
    expect(stream.events.at(-1)?.data.removed.requests).toEqual([id]);
  });

  it('sends at most five events a second, whatever happens in between', async () => {
    const stream = await open('/api/live?lane=busy');
    const startedAt = performance.now();
    for (let n = 0; n < 100; n++) await accept({ lane: 'busy' });
    await untilShown(stream, '?lane=busy');
    // The state, and one event at the beginning of each fifth of a second.
    expect(stream.events.length).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 200);
  });

  it('shows the state again after a crash of the service', async () => {
    const before = await open('/api/live?lane=crash');
    for (let n = 0; n < 10; n++) await accept({ lane: 'crash', iterations: 20_000 });
    daybook.kill();
    await before.ended;
    daybook = await start(daybook.databaseUrl);
    const after = await open('/api/live?lane=crash');
    await untilShown(after, '?lane=crash');
    expect(after.events[0]!.type).toBe('state');
    expect(after.events[0]!.data.version).toBeGreaterThan(before.events.at(-1)!.data.version);
  });

  it('refuses the thirty-third stream of a caller until one is closed', async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => open('/api/live')));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 200));
    expectProblem(await get(daybook, '/api/live'), 429);
    all[0]!.close();
    await eventually(async () => expect((await open('/api/live')).status).toBe(200));
  });

  it('shows the newest first to a listener that joins a view', async () => {
    const first = await accept({ lane: 'joined' });
    const stream = await open('/api/live?lane=joined');
    await eventually(() => expect(shownBy(stream).requests).toMatchObject([{ id: first }]));
    const second = await accept({ lane: 'joined' });
    await eventually(() => expect(shownBy(stream).requests).toHaveLength(2));
    const later = await open('/api/live?lane=joined');
    await eventually(() => expect(later.events.length).toBeGreaterThan(0));
    expect(later.events[0]).toMatchObject({ type: 'state', data: { requests: [{ id: second }, { id: first }] } });
  });

  it('leaves out the oldest requests that are too large for a view', async () => {
    const requests = Array.from({ length: 75 }, large);
    for (const _ of [1, 2]) expect((await post(daybook, '/api/batch', { requests })).status).toBe(202);
    const stream = await open('/api/live?lane=large&limit=200');
    await eventually(() => expect(stream.events.length).toBeGreaterThan(0));
    const list = await get(daybook, '/api/requests?lane=large&limit=200');
    const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
    const shown = ids(stream.events[0]!.data.requests);
    expect(shown.length).toBeGreaterThan(50);
    expect(shown.length).toBeLessThan(150);
    expect(shown).toEqual(ids(list.json.requests).slice(0, shown.length));
  });

  it.each(['?status=DONE', '?q=x', '?limit=0', '?limit=201', '?cursor=x', '?lane=a&lane=b'])(
    'rejects %s',
    async (query) => {
      expectProblem(await get(daybook, `/api/live${query}`), 422);
    },
  );
});

describe('GET /api/requests/{id}/events', () => {
  it('has each event once and in order, and ends', async () => {
    receiver.answer({ status: 500 }, { status: 200 });
    const id = await accept({ callback_url: `${receiver.url}/events` });
    const stream = await open(`/api/requests/${id}/events`);
    await stream.ended;
    const { events } = stream;
    expect(events.map(({ type }) => type)).toEqual(['accepted', 'started', 'completed', 'attempt', 'attempt', 'end']);
    expect(events.slice(3).map(({ data }) => data)).toMatchObject([
      { attempt_number: 1, status_code: 500, success: false },
      { attempt_number: 2, status_code: 200, success: true },
      { id, status: 'COMPLETED', callback_status: 'SUCCESS' },
    ]);
    expect(events.map((event) => event.id).slice(3)).toEqual(['attempt-1', 'attempt-2', 'end']);
    const resumed = await open(`/api/requests/${id}/events`, { 'Last-Event-ID': 'attempt-1' });
    await resumed.ended;
    expect(resumed.events).toEqual(events.slice(4));
    expect((await open(`/api/requests/${id}/events`, { 'Last-Event-ID': 'end' })).status).toBe(204);
  });

  it('ends when the request is cancelled', async () => {
    await post(daybook, '/api/lanes/ends/pause', undefined);
    const id = await accept({ lane: 'ends' });
    const stream = await open(`/api/requests/${id}/events`);
    await eventually(() => expect(stream.events).toHaveLength(1));
    await post(daybook, `/api/requests/${id}/cancel`, undefined);
    await stream.ended;
    expect(stream.events.map(({ type }) => type)).toEqual(['accepted', 'cancelled', 'end']);
  });

  it('is 404 for an unknown request', async () => {
    expectProblem(await get(daybook, `/api/requests/${UNKNOWN_ID}/events`), 404);
  });
});

it('ends its streams when the service stops', async () => {
  const live = await open('/api/live');
  await post(daybook, '/api/lanes/stop/pause', undefined);
  const history = await open(`/api/requests/${await accept({ lane: 'stop' })}/events`);
  const unread = connect(Number(new URL(daybook.url).port), '127.0.0.1').pause();
  unread.on('error', () => undefined);
  unread.write('GET /api/live?limit=200 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await eventually(() => expect(live.events.length).toBeGreaterThan(0));
  await eventually(() => expect(history.events.length).toBeGreaterThan(0));
  await daybook.stop();
  expect(await daybook.exited).toBe(0);
  expect(daybook.output()).not.toContain('SHUTDOWN_TIMEOUT is over');
  await Promise.all([live.ended, history.ended]);
  unread.destroy();
});
