import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type FinishedRequest, expectStrictOrder, laneHistory } from '../support/order-check.js';
import { redisUrl } from '../support/redis.js';
import { holdLane, sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const WORKERS = 3;

let api: Daybook;

/** Logs each start and each completion, with the worker that had leased the lane. */
const LOG_TRIGGERS = `
  CREATE TABLE progress (request_id uuid, status text, worker_id text);
  CREATE FUNCTION log_progress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO progress SELECT NEW.id, NEW.status, leased_by FROM lanes WHERE name = NEW.lane;
    RETURN NULL;
  END $$;
  CREATE TRIGGER log_progress AFTER UPDATE ON requests
    FOR EACH ROW WHEN (NEW.status IN ('PROCESSING', 'COMPLETED')) EXECUTE FUNCTION log_progress()`;

beforeAll(async () => {
  const [{ url: DATABASE_URL }, REDIS_URL] = await Promise.all([createDatabase(), redisUrl()]);
  const env = { ...UNLIMITED, DATABASE_URL, REDIS_URL, REPORT_THREADS: '1', SWEEP_INTERVAL: '100ms' };
  api = await startDaybook({ role: 'api', env });
  await sql(api, LOG_TRIGGERS);
  await Promise.all(Array.from({ length: WORKERS }, () => startDaybook({ role: 'worker', env })));
});

/** Fills paused lanes and resumes them together. Resolves when all requests are completed. */
async function completeAll(lanes: string[], each: number, iterations: number): Promise<Map<string, FinishedRequest[]>> {
  for (const lane of lanes) await holdLane(api, lane);
  const body = (index: number) => ({
    input_data: `${index}`,
    iterations,
    callback_url: null,
    lane: lanes[index % lanes.length],
  });
  await submitAsync(api.url, lanes.length * each, body, 1);
  await sql(api, 'UPDATE lanes SET leased_by = NULL, lease_until = NULL WHERE name = ANY ($1)', [lanes]);
  const histories = new Map<string, FinishedRequest[]>();
  await eventually(
    async () => {
      for (const lane of lanes) histories.set(lane, await laneHistory(api.databaseUrl!, lane));
      return [...histories.values()].flat().every(({ status }) => status === 'COMPLETED');
    },
    { timeoutMs: 50_000 },
  );
  return histories;
}

/** Returns the workers that ran requests. Each request was begun and completed by one worker, once. */
async function generatorsOf(requests: FinishedRequest[]): Promise<Set<string>> {
  const text = `SELECT request_id, array_agg(DISTINCT worker_id) AS workers, count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
      count(*) FILTER (WHERE status = 'PROCESSING') AS begun
    FROM progress WHERE request_id = ANY ($1) GROUP BY request_id`;
  interface Row {
    workers: string[];
    completed: number;
    begun: number;
  }
  const rows = await sql<Row>(api, text, [requests.map(({ id }) => id)]);
  expect(rows).toHaveLength(requests.length);
  expect(rows.filter(({ workers, completed, begun }) => workers.length > 1 || completed > 1 || begun > 1)).toEqual([]);
  return new Set(rows.flatMap(({ workers }) => workers));
}

/** Returns the highest number of requests that ran at the same time. */
function mostAtOnce(requests: FinishedRequest[]): number {
  const underWayAt = (time: number): number =>
    requests.filter(({ startedAt, completedAt }) => startedAt <= time && time < completedAt).length;
  return Math.max(...requests.map(({ startedAt }) => underWayAt(startedAt)));
}

/** More workers run more lanes at once, never one lane faster. */
describe('three workers', () => {
  it('on one lane run its requests one at a time', async () => {
    const history = (await completeAll(['single'], 30, 50_000)).get('single')!;
    expect(history).toHaveLength(30);
    expectStrictOrder(history);
    expect(mostAtOnce(history)).toBe(1);
    await generatorsOf(history);
  });

  it('on ten lanes share the work: each runs some, at the same time, and each lane keeps its order', async () => {
    const histories = await completeAll(
      Array.from({ length: 10 }, (_, index) => `lane-${index}`),
      4,
      200_000,
    );
    for (const history of histories.values()) expectStrictOrder(history);
    const all = [...histories.values()].flat();
    expect((await generatorsOf(all)).size).toBe(WORKERS);
    const most = mostAtOnce(all);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(WORKERS);
  });
});
