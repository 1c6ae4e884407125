import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const MAX_PENDING = 3;

let daybook: Daybook;
let own: TestKey;
let other: TestKey;
let writer: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({
    env: { ...UNLIMITED, AUTH: 'required', SWEEP_INTERVAL: '200ms', MAX_PENDING: String(MAX_PENDING) },
  });
  own = await createKey(daybook, ['reports:read', 'reports:write', 'books:read'], { account: 'acme' });
  other = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'other' });
  writer = await createKey(daybook, ['reports:write'], { account: 'acme' });
});

const DAILY = {
  name: 'Daily',
  report: 'digest',
  payload: { input_data: 'x', iterations: 1 },
  every: 'day',
  at: '06:00',
  callback_url: null,
};

const add = async (more: object = {}): Promise<{ id: string } & Record<string, unknown>> => {
  const reply = await post(daybook, '/api/schedules', { ...DAILY, ...more }, own.headers);
  expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 201 });
  return reply.json;
};
const view = async (id: string) => (await get(daybook, `/api/schedules/${id}`, own.headers)).json;
const change = (id: string, body: object) =>
  send(daybook, 'PATCH', `/api/schedules/${id}`, { body, headers: own.headers });
interface Run {
  number: number;
  due_at: string;
  request_id: string | null;
  status: string;
  error: string | null;
}
const runs = async (id: string): Promise<Run[]> =>
  (await get(daybook, `/api/schedules/${id}/runs?limit=200`, own.headers)).json.runs;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The due time of {@link DAILY} some days ago. */
const daysAgo = (days: number): Date =>
  new Date(Math.floor((Date.now() - 6 * HOUR_MS) / DAY_MS - days) * DAY_MS + 6 * HOUR_MS);

/** Makes a schedule due since a time, as if no worker had run. */
const missedSince = (id: string, due: Date) =>
  sql(daybook, 'UPDATE schedules SET next_due_at = $2, attempt_at = $2, last_due_at = NULL WHERE id = $1', [id, due]);

/** Waits until a schedule has no due time left, and returns its runs, oldest first. */
async function caughtUp(id: string): Promise<Run[]> {
  await eventually(async () => {
    const rows = await sql<{ isDue: boolean }>(
      daybook,
      'SELECT next_due_at < now() AS "isDue" FROM schedules WHERE id = $1',
      [id],
    );
    return rows[0]?.isDue === false;
  });
  return (await runs(id)).toReversed();
}

describe('a schedule', () => {
  it('is created with its next five runs', async () => {
    const schedule = await add({ every: 'month', on: 31, timezone: 'Europe/Zurich', lane: 'monthly' });
    expect(schedule).toMatchObject({ on: 31, lane: 'monthly', is_active: true, last_run: null, delayed: null });
    const times = schedule.next_runs as string[];
    expect(times).toHaveLength(5);
    expect(times.toSorted()).toEqual(times);
    expect(Date.parse(times[0]!)).toBeGreaterThan(Date.now());
    expect(await view(schedule.id)).toEqual(schedule);
    const { json } = await get(daybook, '/api/schedules?limit=1', own.headers);
    expect(json.schedules).toEqual([schedule]);
    expect(json.next_cursor).toBeNull();
  });

  it('is created once for an idempotency key', async () => {
    const headers = { ...own.headers, 'idempotency-key': uuidv7() };
    const first = await post(daybook, '/api/schedules', DAILY, headers);
    const second = await post(daybook, '/api/schedules', DAILY, headers);
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it.each([
    [{ every: 'day', on: 1 }, 'on'],
    [{ every: 'week', on: 8 }, 'on'],
    [{ every: 'week', on: 'last' }, 'on'],
    [{ every: 'month', on: 'monday' }, 'on'],
    [{ every: 'month', on: 32 }, 'on'],
    [{ every: 'year' }, 'every'],
    [{ at: '6:00' }, 'at'],
    [{ at: '24:00' }, 'at'],
    [{ timezone: 'Mars/Olympus' }, 'timezone'],
    [{ timezone: '+02:00' }, 'timezone'],
    [{ period: 'yesterday' }, 'period'],
    [{ report: 'nothing' }, 'report'],
    [{ payload: { input_data: 'x', iterations: 0 } }, 'payload.iterations'],
    [{ payload: { input_data: 'x', depth: 1 } }, 'payload.depth'],
    [{ format: 'pdf' }, 'format'],
    [{ lane: 'a/b' }, 'lane'],
    [{ callback_url: undefined }, 'callback_url'],
    [{ name: ' ' }, 'name'],
    [{ cron: '* * * * *' }, ''],
  ])('is not created with %j', async (more, path) => {
    const reply = await post(daybook, '/api/schedules', { ...DAILY, ...more }, own.headers);
    expectProblem(reply, 422, '/api/schedules');
    expect(reply.json.errors).toEqual([{ path, message: expect.any(String) }]);
  });

  it('is not created with a callback URL that may not be called', async () => {
    const reply = await post(daybook, '/api/schedules', { ...DAILY, callback_url: 'http://10.0.0.1/' }, own.headers);
    expectProblem(reply, 400, '/api/schedules');
    expect(reply.json.errors[0].path).toBe('callback_url');
  });

  it('of another account does not exist', async () => {
    const { id } = await add();
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { is_active: false }],
      ['DELETE', ''],
      ['GET', '/runs'],
      ['POST', '/run'],
    ] as const)
      expectProblem(await send(daybook, method, `/api/schedules/${id}${path}`, { body, headers: other.headers }), 404);
    expect((await get(daybook, '/api/schedules', other.headers)).json.schedules).toEqual([]);
    expect(await view(id)).toMatchObject({ is_active: true, last_run: null });
  });

  it('answers a caller that may not read with the fields that it sets', async () => {
    const { id } = await add();
    const reply = await send(daybook, 'PATCH', `/api/schedules/${id}`, {
      body: { name: 'New' },
      headers: writer.headers,
    });
    expect(reply.json).toEqual({ id, name: 'New', updated_at: expect.any(String) });
    expectProblem(await get(daybook, `/api/schedules/${id}`, writer.headers), 403);
  });

  it('is changed as a whole or not at all', async () => {
    const { id } = await add();
    expect((await change(id, { every: 'week', at: '07:30' })).json).toMatchObject({ on: 'monday', at: '07:30' });
    const { next_runs } = await view(id);
    expect(new Date(next_runs[0]).getUTCDay()).toBe(1);
    expect(next_runs[0]).toContain('T07:30:00.000Z');
    expectProblem(await change(id, { at: '08:00', payload: { input_data: 1 } }), 422);
    expectProblem(await change(id, {}), 422);
    expect(await view(id)).toMatchObject({ at: '07:30', payload: DAILY.payload });
  });

  it('is one of a limited number in its account', async () => {
    const [{ account }] = (await sql(daybook, `SELECT account_id AS account FROM api_keys WHERE id = $1`, [
      other.id,
    ])) as [{ account: string }];
    await sql(
      daybook,
      `INSERT INTO schedules (id, account_id, name, report, payload, every, at_time, timezone, lane, is_active)
        SELECT gen_random_uuid(), $1, 'x', 'digest', '{}', 'day', '06:00', 'UTC', 'x', false FROM generate_series(1, 1000)`,
      [account],
    );
    const reply = await post(daybook, '/api/schedules', DAILY, other.headers);
    expectProblem(reply, 409);
    expect(reply.json.detail).toBe('The account has 1,000 schedules, which is the limit. Delete one first.');
    await sql(daybook, 'DELETE FROM schedules WHERE account_id = $1', [account]);
  });
});

describe('a due time', () => {
  it('is accepted as a request of the account', async () => {
    const { id } = await add({ lane: 'due' });
    await missedSince(id, daysAgo(0));
    const [run] = (await caughtUp(id)) as [Run];
    expect(run).toMatchObject({ number: 1, trigger: 'schedule', due_at: daysAgo(0).toISOString(), error: null });
    const request = await get(daybook, `/api/requests/${run.request_id}`, own.headers);
    expect(request.json).toMatchObject({ mode: 'async', report: 'digest', lane: 'due', callback_url: null });
    await eventually(async () => expect((await view(id)).last_run).toEqual({ ...run, status: 'COMPLETED' }));
  });

  it('of a report over the books has the interval before it', async () => {
    const { id } = await add({
      report: 'journal',
      payload: {},
      period: 'previous_day',
      timezone: 'Europe/Zurich',
      lane: 'books',
    });
    await missedSince(id, daysAgo(1));
    const [run] = (await caughtUp(id)) as [Run];
    await eventually(async () => (await runs(id)).every(({ status }) => status === 'COMPLETED'));
    const request = (await get(daybook, `/api/requests/${run.request_id}`, own.headers)).json;
    expect(request.input_payload).toMatchObject({ timezone: 'Europe/Zurich', through_entry: 0 });
    const bodies = await sql<{ due: Date; from: string; to: string }>(
      daybook,
      `SELECT due_at AS due, input_payload->>'from' AS from, input_payload->>'to' AS to
        FROM schedule_runs JOIN requests r ON r.id = request_id WHERE schedule_id = $1 AND due_at IS NOT NULL`,
      [id],
    );
    expect(bodies.length).toBeGreaterThan(0);
    const dateAt = (ms: number): string => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Zurich' }).format(ms);
    expect(bodies.map(({ from, to }) => [from, to])).toEqual(
      bodies.map(({ due: at }) => [dateAt(at.getTime() - DAY_MS), dateAt(at.getTime())]),
    );
  });

  it('that was missed is caught up, the newest 31 of them in order', async () => {
    const { id } = await add({ lane: 'catch-up' });
    const paused = send(daybook, 'POST', '/api/lanes/catch-up/pause', { headers: own.headers });
    await paused;
    await missedSince(id, daysAgo(40));
    await eventually(async () => (await runs(id)).length >= 1 + MAX_PENDING);
    // The lane is full for the rest, which stays due.
    await eventually(async () => (await view(id)).delayed !== null);
    expect((await view(id)).delayed).toMatchObject({
      error: expect.stringContaining('Lane catch-up has 3 unfinished'),
    });
    await send(daybook, 'POST', '/api/lanes/catch-up/resume', { headers: own.headers });
    await eventually(async () => {
      // A due time that waits is tried again within a minute, which is too long for a test.
      await sql(
        daybook,
        'UPDATE schedules SET attempt_at = now() WHERE id = $1 AND attempt_at > now() AND next_due_at < now()',
        [id],
      );
      return (await runs(id)).length === 32;
    });
    const [skipped, ...accepted] = await caughtUp(id);
    expect(skipped).toMatchObject({
      status: 'SKIPPED',
      due_at: daysAgo(31).toISOString(),
      request_id: null,
      error: `Due times from ${daysAgo(40).toISOString()} to ${daysAgo(31).toISOString()} were skipped: more than 31 were missed`,
    });
    expect(accepted.map(({ due_at }) => due_at)).toEqual(
      Array.from({ length: 31 }, (_, index) => daysAgo(30 - index).toISOString()),
    );
    const ids = accepted.map(({ request_id }) => request_id);
    expect(new Set(ids).size).toBe(31);
    expect(await view(id)).toMatchObject({ skipped_until: daysAgo(31).toISOString(), delayed: null });
    const positions = await sql<{ id: string }>(
      daybook,
      `SELECT id FROM requests WHERE lane LIKE '%/catch-up' ORDER BY queue_position`,
    );
    expect(positions.map((row) => row.id)).toEqual(ids);
    const page = (await get(daybook, `/api/schedules/${id}/runs?limit=30`, own.headers)).json;
    expect(page.next_cursor).toBe(3);
    const rest = (await get(daybook, `/api/schedules/${id}/runs?limit=30&cursor=3`, own.headers)).json;
    expect([rest.runs.map(({ number }: Run) => number), rest.next_cursor]).toEqual([[2, 1], null]);
  });

  it('whose schedule is not valid any more is refused, and the next one runs', async () => {
    const { id } = await add();
    await sql(daybook, `UPDATE schedules SET payload = '{"input_data":"x","depth":1}' WHERE id = $1`, [id]);
    await missedSince(id, daysAgo(1));
    const refused = await caughtUp(id);
    expect(refused.map(({ status, request_id, error }) => ({ status, request_id, error }))).toEqual(
      [1, 2].map(() => ({
        status: 'REFUSED',
        request_id: null,
        error: 'payload.depth: is not a parameter of this report',
      })),
    );
    expect((await view(id)).last_run).toEqual(refused[1]);
    expectProblem(await post(daybook, `/api/schedules/${id}/run`, undefined, own.headers), 422);
    expect((await change(id, { is_active: false })).status).toBe(200);
    expectProblem(await change(id, { is_active: true }), 422);
    expect((await change(id, { is_active: true, payload: DAILY.payload })).status).toBe(200);
  });

  it('whose report fails says so', async () => {
    const { id } = await add({ lane: 'failing' });
    const run = await post(daybook, `/api/schedules/${id}/run`, undefined, own.headers);
    await eventually(async () => (await view(id)).last_run.status === 'COMPLETED');
    await sql(daybook, `UPDATE requests SET status = 'FAILED', error = 'Out of ink' WHERE id = $1`, [
      run.json.request_id,
    ]);
    expect((await view(id)).last_run).toMatchObject({ status: 'FAILED', error: 'Out of ink' });
    await send(daybook, 'DELETE', `/api/requests/${run.json.request_id}`, { headers: own.headers });
    expect((await view(id)).last_run).toMatchObject({ status: 'DELETED', error: null });
  });

  it('has one run, also if the schedule is set back', async () => {
    const { id } = await add();
    await missedSince(id, daysAgo(1));
    const requests = async () => (await caughtUp(id)).map(({ number, request_id }) => ({ number, request_id }));
    const before = await requests();
    await missedSince(id, daysAgo(1));
    expect(await requests()).toEqual(before);
  });

  it('does not come while the schedule is not active, and is not made up for', async () => {
    const { id } = await add();
    await holdLane(daybook, 'unused');
    expect((await change(id, { is_active: false })).json).toMatchObject({ is_active: false, next_runs: [] });
    const idle = await sql(daybook, 'SELECT next_due_at, attempt_at FROM schedules WHERE id = $1', [id]);
    expect(idle).toEqual([{ next_due_at: null, attempt_at: null }]);
    const { next_runs } = (await change(id, { is_active: true })).json;
    expect(Date.parse(next_runs[0])).toBeGreaterThan(Date.now());
    expect(await runs(id)).toEqual([]);
    await releaseLane(daybook, 'unused');
  });

  it('is not repeated by a change that is made after the clock was set back', async () => {
    const { id } = await add();
    const tomorrow = daysAgo(-1);
    // As after a run by a clock that was a day ahead.
    await sql(daybook, 'UPDATE schedules SET last_due_at = $2, next_due_at = $3, attempt_at = $3 WHERE id = $1', [
      id,
      tomorrow,
      daysAgo(-2),
    ]);
    expect((await change(id, { at: '05:00' })).json.next_runs[0]).toBe(
      new Date(daysAgo(-2).getTime() - HOUR_MS).toISOString(),
    );
    await change(id, { is_active: false });
    expect(Date.parse((await change(id, { is_active: true })).json.next_runs[0])).toBeGreaterThan(tomorrow.getTime());
  });
});

describe('a run that a caller asks for', () => {
  it('is accepted now, also of a schedule that is not active, and moves no due time', async () => {
    const { id, next_runs } = await add({ is_active: false });
    expect(next_runs).toEqual([]);
    const headers = { ...own.headers, 'idempotency-key': uuidv7() };
    const first = await post(daybook, `/api/schedules/${id}/run`, undefined, headers);
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({ number: 1, trigger: 'caller', status: 'PENDING' });
    expect(first.headers.get('location')).toBe(`/api/requests/${first.json.request_id}`);
    expect((await post(daybook, `/api/schedules/${id}/run`, undefined, headers)).text).toBe(first.text);
    expect((await post(daybook, `/api/schedules/${id}/run`, undefined, own.headers)).json.number).toBe(2);
    await eventually(async () => (await runs(id)).every(({ status }) => status === 'COMPLETED'));
    expect(await runs(id)).toHaveLength(2);
  });

  it('gets 503 while its lane is full, and is no run then', async () => {
    const { id } = await add({ lane: 'full' });
    await post(daybook, '/api/async', { ...DAILY.payload, lane: 'full', callback_url: null }, own.headers);
    await send(daybook, 'POST', '/api/lanes/full/pause', { headers: own.headers });
    const replies: number[] = [];
    // A worker that has the lane may finish some after the pause.
    for (let count = 0; count <= 10 * MAX_PENDING && replies.at(-1) !== 503; count++)
      replies.push((await post(daybook, `/api/schedules/${id}/run`, undefined, own.headers)).status);
    expect(replies.at(-1)).toBe(503);
    expect(await runs(id)).toHaveLength(replies.filter((status) => status === 200).length);
  });
});

it('a deleted schedule is due no more, and its requests stay', async () => {
  const { id } = await add();
  const { request_id } = (await post(daybook, `/api/schedules/${id}/run`, undefined, own.headers)).json;
  const reply = await send(daybook, 'DELETE', `/api/schedules/${id}`, { headers: own.headers });
  expect(reply.json).toEqual({ deleted: true, id });
  expectProblem(await get(daybook, `/api/schedules/${id}`, own.headers), 404);
  expect((await get(daybook, `/api/requests/${request_id}`, own.headers)).status).toBe(200);
  expect(await sql(daybook, 'SELECT FROM schedule_runs WHERE schedule_id = $1', [id])).toEqual([]);
});
