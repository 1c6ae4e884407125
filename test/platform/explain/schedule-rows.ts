import type pg from 'pg';
import { OPEN_INSTALLATION } from '../../../src/platform/tenant.js';
import { SORTED_ID } from './sorted-id.js';

const SCHEDULES = 50_000;
/** The first schedules are due. */
export const DUE_SCHEDULES = 500;
/** Of each schedule. */
export const RUNS = 4;

/** The id of a schedule by its number. A thousand schedules are of the open installation. */
export const scheduleId = (n: number): string => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

export async function fillSchedules(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO schedules (id, account_id, name, report, payload, every, at_time, timezone, lane, run_count,
      next_due_at, attempt_at)
    SELECT ${SORTED_ID('n')}, CASE WHEN n <= 1000 THEN '${OPEN_INSTALLATION}'::uuid ELSE ${SORTED_ID('n % 500')} END, 'n', 'digest',
      '{}', 'day', '06:00', 'UTC', 'x', ${RUNS}, due, due
    FROM generate_series(1, ${SCHEDULES}) n,
      LATERAL (SELECT now() + CASE WHEN n <= ${DUE_SCHEDULES} THEN interval '-1 minute' ELSE n * interval '1 minute' END AS due) d`);
  await client.query(`INSERT INTO schedule_runs (schedule_id, number, outcome, due_at, request_id, created_at)
    SELECT id, r, 'accepted', now() - (${RUNS} - r) * interval '1 day', id, now() - (${RUNS} - r) * interval '1 day'
    FROM schedules, generate_series(1, ${RUNS}) r`);
}
