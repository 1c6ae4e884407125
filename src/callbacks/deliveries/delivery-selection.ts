import type { AccountId } from '../../platform/tenant.js';
import { firstIdAt } from '../../platform/ids.js';

/** A filter of deliveries. A field that is absent does not filter. */
export interface DeliverySelection {
  /** Null selects the deliveries of all accounts. */
  account: AccountId;
  status?: 'PENDING' | 'SUCCESS' | 'FAILED';
  destination?: string;
  /** Created at this time or later. */
  since?: Date;
  /** Created at this time or earlier. */
  until?: Date;
}

/** Largest difference between the time in an id (a worker's clock) and `created_at` (the database's clock). */
const SKEW_MS = 86_400_000;

/** Ids start in 1970; an earlier time selects all of them. */
const firstId = (ms: number): string => firstIdAt(new Date(Math.max(0, ms)));

/**
 * @param values The values of the conditions are appended to it.
 * @returns Conditions on `callback_deliveries d`. Pages are read by id, which begins with the time: the id limits the part of
 *   the index that is read, and `created_at` decides.
 */
export function selectionConditions(selection: DeliverySelection, values: unknown[]): string[] {
  const { account, status, destination, since, until } = selection;
  const conditions: string[] = [];
  if (status !== undefined) conditions.push(`d.status = $${values.push(status)}`);
  if (destination !== undefined) conditions.push(`d.destination = $${values.push(destination)}`);
  // The lane begins with the account. The second condition is that of the index.
  if (account !== null)
    conditions.push(`split_part(d.lane, '/', 1) = $${values.push(account)} AND strpos(d.lane, '/') > 0`);
  if (since) {
    conditions.push(`d.created_at >= $${values.push(since)}`);
    conditions.push(`d.id >= $${values.push(firstId(since.getTime() - SKEW_MS))}`);
  }
  if (until) {
    conditions.push(`d.created_at <= $${values.push(until)}`);
    conditions.push(`d.id < $${values.push(firstId(until.getTime() + SKEW_MS))}`);
  }
  return conditions;
}
