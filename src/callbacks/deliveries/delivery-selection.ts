import type { AccountId } from '../../platform/tenant.js';
import { firstIdAt } from '../../platform/ids.js';

/** Which deliveries are meant; what is not given does not matter. */
export interface DeliverySelection {
  /** Null for everybody's. */
  account: AccountId;
  status?: 'PENDING' | 'SUCCESS' | 'FAILED';
  destination?: string;
  /** Owed at that time or later. */
  since?: Date;
  /** Owed at that time or earlier. */
  until?: Date;
}

/** How far the time in an id (a worker's clock) and `created_at` (the database's) may be apart. */
const SKEW_MS = 86_400_000;

/** Ids begin in 1970; whoever asks for an earlier time means all of them. */
const firstId = (ms: number): string => firstIdAt(new Date(Math.max(0, ms)));

/**
 * The conditions on `callback_deliveries d`; their values are added to those given. Lists go by id, which begins with the
 * time: it bounds how much of an index is read, and `created_at` decides.
 */
export function selectionConditions(selection: DeliverySelection, values: unknown[]): string[] {
  const { account, status, destination, since, until } = selection;
  const conditions: string[] = [];
  if (status !== undefined) conditions.push(`d.status = $${values.push(status)}`);
  if (destination !== undefined) conditions.push(`d.destination = $${values.push(destination)}`);
  // The lane begins with the account. What it is compared with stands in the condition of its index too.
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
