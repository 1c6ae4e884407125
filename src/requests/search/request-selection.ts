import { firstIdAt } from '../../platform/ids.js';
import { type AccountId, qualifiedLane } from '../../platform/tenant.js';
import type { RequestMode, RequestStatus } from '../request.entity.js';
import type { RequestFilter } from '../requests.schema.js';

/** A filter of requests. A field that is absent does not filter. */
export interface RequestSelection {
  /** Null selects the requests of all accounts. */
  account: AccountId;
  mode?: RequestMode;
  status?: RequestStatus;
  report?: string;
  /** Qualified by its account. */
  lane?: string;
  /** Created at this time or later. */
  createdFrom?: Date;
  /** Created before this time. */
  createdTo?: Date;
  /** Only completed, failed and cancelled requests. */
  isFinished?: true;
  /** Leaves out requests without a callback URL; those that `q` finds by their report may stay. */
  hasCallback?: true;
  /** The id, or part of the report's name or of the callback URL, in any case. See `RequestSearch`. */
  q?: string;
}

/** Largest difference between the time in an id (the clock of an API process) and `created_at` (the database's clock). */
const SKEW_MS = 60_000;

/** @returns The requests of an account that match a filter of the API. */
export function selectionOf(filter: RequestFilter, account: AccountId): RequestSelection {
  const { lane, created_from: createdFrom, created_to: createdTo, ...rest } = filter;
  return {
    ...rest,
    account,
    ...(lane !== undefined && { lane: qualifiedLane(account, lane) }),
    ...(createdFrom && { createdFrom }),
    ...(createdTo && { createdTo }),
  };
}

/** Ids start in 1970; an earlier time selects all of them. */
const firstId = (ms: number): string => firstIdAt(new Date(Math.max(0, ms)));

/**
 * All fields but `q` and `hasCallback`, which the search decides. Ids begin with the time: the id limits the part of an index that is read, and
 * `created_at` decides.
 * @param values The values of the conditions are appended to it.
 * @returns Conditions on `requests r`; at least one.
 */
export function selectionConditions(selection: RequestSelection, values: unknown[]): string {
  const { account, mode, status, report, lane, createdFrom, createdTo, isFinished } = selection;
  const conditions = ['true'];
  const add = (condition: string, value: unknown) => conditions.push(`${condition} $${values.push(value)}`);
  if (account !== null) add('r.account_id =', account);
  if (mode !== undefined) add('r.mode =', mode);
  if (status !== undefined) add('r.status =', status);
  if (report !== undefined) add('r.report =', report);
  if (lane !== undefined) add('r.lane =', lane);
  if (createdFrom) {
    add('r.created_at >=', createdFrom);
    add('r.id >=', firstId(createdFrom.getTime() - SKEW_MS));
  }
  if (createdTo) {
    add('r.created_at <', createdTo);
    add('r.id <', firstId(createdTo.getTime() + SKEW_MS));
  }
  if (isFinished) conditions.push(`r.status IN ('COMPLETED', 'FAILED', 'CANCELLED')`);
  return conditions.join(' AND ');
}
