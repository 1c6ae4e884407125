import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type LanePage, getJson } from '../support/json.js';
import { startReceiver } from '../support/receiver.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

/** A batch is all or nothing, lanes can be paused and prioritized, and both keep the order. */
let daybook: Daybook;

beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, MAX_PENDING: '1000', REPORT_THREADS: '1' } });
});

const report = (lane: string, more: object = {}): object => ({
  num_transactions: 1,
  callback_url: null,
  lane,
  ...more,
});

async function laneOf(name: string): Promise<LanePage['lanes'][number] | undefined> {
  const { lanes } = await getJson<LanePage>(`${daybook.url}/api/lanes?limit=1000`);
  return lanes.find(({ lane }) => lane === name);
}

async function idsOf(name: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(daybook, 'SELECT id FROM requests WHERE lane = $1 ORDER BY queue_position', [
    name,
  ]);
  return rows.map(({ id }) => id);
}

describe('a batch', () => {
  it('is accepted at consecutive positions, even if other requests are accepted concurrently', async () => {
    const batch = { requests: Array.from({ length: 50 }, () => report('mixed')) };
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => post(daybook, '/api/batch', batch))),
      submitAsync(daybook.url, 200, () => report('mixed'), 16),
    ]);
    for (const { status, json } of answers) {
      expect(status).toBe(202);
      const positions = json.requests.map(({ queue_position }: { queue_position: number }) => queue_position);
      expect(positions).toEqual(positions.map((_: number, index: number) => positions[0] + index));
    }
    const [gaps] = await sql<{ count: number; last: number }>(
      daybook,
      `SELECT count(*)::integer AS count, max(queue_position)::integer AS last FROM requests WHERE lane = 'mixed'`,
    );
    expect(gaps).toEqual({ count: 700, last: 700 });
  });

  it.each([
    ['an invalid one', report('none', { num_transactions: 0 }), 422, 'requests.1.num_transactions'],
    [
      'a callback URL that is refused',
      report('none', { callback_url: 'http://10.0.0.1/' }),
      400,
      'requests.1.callback_url',
    ],
  ])('that contains %s is refused as a whole, and the error names it', async (_, bad, status, path) => {
    const answer = await post(daybook, '/api/batch', { requests: [report('none'), bad] });
    expect(answer.status).toBe(status);
    expect(answer.json.errors[0].path).toBe(path);
    expect(await idsOf('none')).toEqual([]);
  });

  it.each([[[]], [Array.from({ length: 1_001 }, () => report('none'))]])(
    'has 1 to 1,000 requests',
    async (requests) => {
      const { status, json } = await post(daybook, '/api/batch', { requests });
      expect(status).toBe(422);
      expect(json.errors[0].path).toBe('requests');
    },
  );

  it('that does not fit into one of its lanes is refused as a whole, and its key is free again', async () => {
    await holdLane(daybook, 'full');
    await submitAsync(daybook.url, 999, () => report('full'));
    const body = { requests: [report('empty'), report('full'), report('full')] };
    const refused = await post(daybook, '/api/batch', body, { 'idempotency-key': 'too-many' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await idsOf('empty')).toEqual([]);
    expect(await idsOf('full')).toHaveLength(999);
    await releaseLane(daybook, 'full');
    await eventually(async () => (await laneOf('full'))?.pending === 0);
    expect((await post(daybook, '/api/batch', body, { 'idempotency-key': 'too-many' })).status).toBe(202);
  });

  it('is not accepted again when it is repeated with its key', async () => {
    const body = { requests: [report('once'), report('once')] };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(daybook, '/api/batch', body, { 'idempotency-key': 'batch-1' })),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(19);
    expect(await idsOf('once')).toHaveLength(2);
  });
});

describe('cancelling', () => {
  it('ends a pending request at once: its position stays, the others continue, and its callback reports it', async () => {
    const receiver = await startReceiver();
    await holdLane(daybook, 'cancel');
    await submitAsync(daybook.url, 5, () => report('cancel', { callback_url: receiver.url }), 1);
    const [, second] = await idsOf('cancel');
    const cancelled = await post(daybook, `/api/requests/${second}/cancel`, undefined);
    expect(cancelled.status).toBe(200);
    expect(cancelled.json).toEqual({ id: second, status: 'CANCELLED' });
    const shown = (await get(daybook, `/api/requests/${second}`)).json;
    expect(shown).toMatchObject({ status: 'CANCELLED', queue_position: 2, jobs_ahead: null });
    expect((await laneOf('cancel'))?.pending).toBe(4);
    expect((await post(daybook, `/api/requests/${second}/cancel`, undefined)).status).toBe(409);
    await releaseLane(daybook, 'cancel');
    await eventually(() => receiver.received.length === 5);
    const told = receiver.received.map(({ json }) => [json.queue_position, json.type]);
    expect(told).toEqual([
      [2, 'report.cancelled'],
      [1, 'report.completed'],
      [3, 'report.completed'],
      [4, 'report.completed'],
      [5, 'report.completed'],
    ]);
  });

  it('ends a report over the books in progress, and its query in the server', async () => {
    const lane = 'long';
    const journal = { report: 'journal', payload: { from: '2026-01-01', to: '2026-01-02' }, callback_url: null, lane };
    const queries = (): Promise<object[]> =>
      sql(
        daybook,
        `SELECT FROM pg_stat_activity WHERE application_name = 'daybook-report' AND datname = current_database()`,
      );
    const locker = new Client({ connectionString: daybook.databaseUrl });
    await locker.connect();
    try {
      // The report waits for it.
      await locker.query('BEGIN; LOCK TABLE journal_lines IN ACCESS EXCLUSIVE MODE');
      await post(daybook, '/api/batch', { requests: [journal, report(lane)] });
      const [first, next] = await idsOf(lane);
      await eventually(async () => (await queries()).length === 1);
      const cancelled = await post(daybook, `/api/requests/${first}/cancel`, undefined);
      expect([cancelled.status, cancelled.json]).toEqual([200, { id: first, status: 'CANCELLED' }]);
      await eventually(async () => (await get(daybook, `/api/requests/${next}`)).json.status === 'COMPLETED');
      await eventually(async () => (await queries()).length === 0);
      const shown = (await get(daybook, `/api/requests/${first}`)).json;
      expect(shown).toMatchObject({ status: 'CANCELLED', result_payload: null, error: null });
      expect((await laneOf(lane))?.pending).toBe(0);
    } finally {
      await locker.end();
    }
  });

  it('refuses finished and unknown requests', async () => {
    const { json } = await post(daybook, '/api/sync', { num_transactions: 1 });
    expect((await post(daybook, `/api/requests/${json.request_id}/cancel`, undefined)).status).toBe(409);
    expect((await post(daybook, '/api/requests/nobody/cancel', undefined)).status).toBe(404);
  });

  it('while a worker runs the lane leaves no cancelled request with a result, and the pending count right', async () => {
    await submitAsync(daybook.url, 300, () => report('racing', { num_transactions: 50 }));
    const ids = await idsOf('racing');
    const answers = await Promise.all(
      ids.filter((_, at) => at % 3 === 0).map((id) => post(daybook, `/api/requests/${id}/cancel`, undefined)),
    );
    await eventually(async () => {
      const { pending, in_progress } = (await laneOf('racing'))!;
      return pending + in_progress === 0;
    });
    const rows = await sql<{ status: string; has_result: boolean }>(
      daybook,
      `SELECT status, result_payload IS NOT NULL AS has_result FROM requests WHERE lane = 'racing'`,
    );
    const cancelled = rows.filter(({ status }) => status === 'CANCELLED');
    expect(cancelled).toHaveLength(answers.filter(({ status }) => status === 200).length);
    expect(cancelled.filter(({ has_result }) => has_result)).toEqual([]);
    expect(rows.filter(({ status }) => status === 'COMPLETED')).toHaveLength(300 - cancelled.length);
  });
});

describe('a lane', () => {
  it('accepts requests while it is paused, and runs none until it is resumed', async () => {
    expect((await post(daybook, '/api/lanes/paused/pause', undefined)).json).toEqual({ lane: 'paused', paused: true });
    await submitAsync(daybook.url, 3, () => report('paused'), 1);
    await submitAsync(daybook.url, 3, () => report('beside'), 1);
    await eventually(async () => (await laneOf('beside'))?.pending === 0);
    expect(await laneOf('paused'))?.toMatchObject({
      lane: 'paused',
      pending: 3,
      in_progress: 0,
      paused: true,
      held_by: null,
    });
    expect((await laneOf('paused'))?.head_age_seconds).toBeGreaterThanOrEqual(0);
    expect((await post(daybook, '/api/lanes/paused/resume', undefined)).json).toEqual({
      lane: 'paused',
      paused: false,
    });
    await eventually(async () => (await laneOf('paused'))?.pending === 0);
    expect((await laneOf('paused'))?.drain_rate_per_minute).toBeGreaterThan(0);
  });

  it('with priority runs first, and the others run, too', async () => {
    const names = ['last', 'first', 'middle'];
    for (const name of names) await post(daybook, `/api/lanes/${name}/pause`, undefined);
    for (const name of names) await submitAsync(daybook.url, 3, () => report(name), 1);
    await send(daybook, 'PUT', '/api/lanes/first', { body: { priority: 600 } });
    await send(daybook, 'PUT', '/api/lanes/last', { body: { priority: -600 } });
    // Resumed together, so that the only thread chooses from all three.
    await sql(daybook, 'UPDATE lanes SET paused = false, served_at = now() WHERE name = ANY ($1)', [names]);
    await eventually(async () => (await laneOf('last'))?.pending === 0);
    const rows = await sql<{ lane: string }>(
      daybook,
      'SELECT lane FROM requests WHERE lane = ANY ($1) GROUP BY lane ORDER BY min(started_at)',
      [names],
    );
    expect(rows.map((row) => row.lane)).toEqual(['first', 'middle', 'last']);
  });

  it.each(['/api/lanes/a%20b/pause', `/api/lanes/${'x'.repeat(65)}/resume`])('has a plain name: %s', async (path) => {
    expect((await post(daybook, path, undefined)).status).toBe(422);
  });

  it.each([{ priority: 'high' }, {}, { priority: 86_401 }, { priority: 1, more: 1 }])(
    'has a priority in bounds: %j',
    async (body) => {
      expect((await send(daybook, 'PUT', '/api/lanes/p', { body })).status).toBe(422);
    },
  );
});
