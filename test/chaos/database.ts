import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { DeliveryRow, History, LaneRow, RequestRow } from './history.js';
import type { PausedQueue } from './schedule.js';

const MS = (column: string) => `(1000 * extract(epoch FROM ${column}))::float8`;

const REQUESTS = `SELECT id, coalesce(input_payload->>'report_name', input_payload->>'input_data') AS marker, lane,
    queue_position::integer AS position, status, callback_url AS "callbackUrl", ${MS('started_at')} AS "startedAtMs",
    ${MS('completed_at')} AS "completedAtMs", result_payload AS result
  FROM requests WHERE mode = 'async'`;
const DELIVERIES = 'SELECT request_id AS "requestId", status, attempts FROM callback_deliveries';
const LANES = 'SELECT name, pending FROM lanes';
const UNFINISHED = `SELECT (SELECT count(*) FROM requests WHERE status IN ('PENDING', 'PROCESSING'))::integer AS requests,
  (SELECT count(*) FROM callback_deliveries WHERE status = 'PENDING')::integer AS deliveries`;

/** Reads the tables. The SQL is not the product's. */
export async function readDatabase(url: string): Promise<Pick<History, 'requests' | 'deliveries' | 'lanes'>> {
  return onDatabase(url, async (client) => ({
    requests: (await client.query<RequestRow>(REQUESTS)).rows,
    deliveries: (await client.query<DeliveryRow>(DELIVERIES)).rows,
    lanes: (await client.query<LaneRow>(LANES)).rows,
  }));
}

/** Returns the numbers of unfinished requests and pending deliveries. */
export async function unfinished(url: string): Promise<{ requests: number; deliveries: number }> {
  return onDatabase(url, async (client) => {
    const { rows } = await client.query<{ requests: number; deliveries: number }>(UNFINISHED);
    return rows[0]!;
  });
}

/** Pauses or resumes a queue. Repeats the statement while Postgres is away. */
export async function setPaused(url: string, queue: PausedQueue, isPaused: boolean): Promise<void> {
  const statement = isPaused
    ? 'INSERT INTO queue_pauses (queue) VALUES ($1) ON CONFLICT DO NOTHING'
    : 'DELETE FROM queue_pauses WHERE queue = $1';
  for (;;) {
    const isDone = await onDatabase(url, (client) => client.query(statement, [queue])).catch(() => null);
    if (isDone) return;
    await sleep(200);
  }
}

async function onDatabase<T>(connectionString: string, look: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await look(client);
  } finally {
    await client.end();
  }
}
