import type { FinishedRequest, FinishedRequests } from '../../requests/finished-requests.js';

/** A delivery that is due, as its table has it. */
export interface DueRow {
  id: string;
  requestId: string;
  url: string;
  accountId: string;
  destination: string;
  lane: string;
  queuePosition: number;
  /** Attempts whose outcome is recorded. */
  attempts: number;
  /** Attempts that were started by a worker that crashed. Their outcome is unknown. */
  unknown: number;
  /** Recorded attempts before the current run of the retry schedule. */
  scheduleStart: number;
  /** The redelivery that scheduled the delivery again; null if there was none. */
  redeliveryId: string | null;
  /** Time since the first of the tries in a row that sent nothing, in milliseconds; 0 if there was none. */
  waitedMs: number;
  /** The URL answered 410 Gone and has not been enabled since. */
  isDisabled: boolean;
}

/** A delivery that is due, and the finished request that its message reports. */
export interface DueDelivery extends DueRow {
  request: FinishedRequest;
}

/** The number of a delivery's next attempt. Attempts of unknown outcome have a number too. */
export function nextNumber({ attempts, unknown }: Pick<DueRow, 'attempts' | 'unknown'>): number {
  return attempts + unknown + 1;
}

/** Columns of a {@link DueRow}: `d` is the delivery, `u` its entry among the {@link DISABLED}. */
export const DUE_COLUMNS = `d.id, d.request_id AS "requestId", d.url, d.account_id AS "accountId", d.destination, d.lane,
    d.queue_position AS "queuePosition", d.attempts, d.unknown, d.schedule_start AS "scheduleStart",
    d.redelivery_id AS "redeliveryId", u.id IS NOT NULL AS "isDisabled",
    coalesce(1000 * extract(epoch FROM clock_timestamp() - d.waiting_since), 0)::float8 AS "waitedMs"`;

/** The entry of delivery `d` in the disabled URLs, if there is one. */
export const DISABLED = `LEFT JOIN callback_disabled_urls u ON u.url = d.url AND u.account_id = d.account_id`;

/** Adds the requests of due deliveries, with one statement. Deliveries of requests that were deleted meanwhile are left out. */
export async function withRequests(rows: DueRow[], requests: FinishedRequests): Promise<DueDelivery[]> {
  if (rows.length === 0) return [];
  const found = await requests.find(rows.map(({ requestId }) => requestId));
  return rows.flatMap((row) => {
    const request = found.get(row.requestId);
    return request ? { ...row, request } : [];
  });
}
