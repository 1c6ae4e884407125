import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { containing } from '../../platform/database/like-pattern.js';
import type { AccountId } from '../../platform/tenant.js';
import { RequestRecord } from '../request.entity.js';
import { type RequestSelection, selectionConditions } from './request-selection.js';

/** A part of the ids, in which requests are read in one direction. */
export interface IdRange {
  /** Only requests older than this one. */
  beforeId?: string;
  /** Only this request and older ones. */
  upToId?: string;
  /** Only requests newer than this one. */
  afterId?: string;
}

export type IdOrder = 'newest-first' | 'oldest-first';

/** A text that is looked for. */
export interface SearchText {
  text: string;
  /** The names of reports that contain it. */
  reports: string[];
}

/** Requests that were examined in a row. */
export interface Examined {
  /** Those that match, in the order of the walk. */
  ids: string[];
  /** The last request that was examined; null if none is left behind it. */
  lastId: string | null;
}

/** One step for each name: the next name in the index. */
const reportsText = (account: AccountId): string => {
  const own = account === null ? '' : 'account_id = $2 AND';
  const next = (after: string) => `SELECT report FROM requests WHERE ${own} ${after} ORDER BY report LIMIT 1`;
  return `WITH RECURSIVE names (report) AS (
      (${next('true')}) UNION ALL SELECT (${next('report > n.report')}) FROM names n WHERE n.report IS NOT NULL
    ) SELECT report FROM names WHERE report IS NOT NULL AND lower(report) LIKE $1`;
};

/**
 * Reads ids of requests. Hand-written, because each statement is bounded by the index that it reads, and is planned with
 * its values, so that a rare status uses its own index.
 */
@Injectable()
export class RequestSearchRepository {
  constructor(@InjectRepository(RequestRecord) private readonly requests: Pick<Repository<RequestRecord>, 'query'>) {}

  /** @returns The ids of up to `limit` requests, by all fields of the selection but `q`. */
  async ids(selection: RequestSelection, range: IdRange, order: IdOrder, limit: number): Promise<string[]> {
    const values: unknown[] = [];
    const text = `SELECT r.id FROM requests r WHERE ${rangeConditions(selection, range, values)}
      ORDER BY r.id ${direction(order)} LIMIT $${values.push(limit)}`;
    return (await this.requests.query<{ id: string }[]>(text, values)).map(({ id }) => id);
  }

  /** @returns Whether the selection, all fields but `q`, has a request of this id. */
  async has(selection: RequestSelection, range: IdRange, id: string): Promise<boolean> {
    const values: unknown[] = [id];
    const text = `SELECT FROM requests r WHERE r.id = $1 AND ${rangeConditions(selection, range, values)}`;
    return (await this.requests.query<object[]>(text, values)).length > 0;
  }

  /** @returns The names of reports that contain `part`, in any case. There are only as many as there are report types. */
  async reportsWith(account: AccountId, part: string): Promise<string[]> {
    const values = [containing(part), ...(account === null ? [] : [account])];
    const rows = await this.requests.query<{ report: string }[]>(reportsText(account), values);
    return rows.map(({ report }) => report);
  }

  /**
   * Examines the next requests of a selection. No index helps to find a part of a URL: one that does would cost every
   * request that is accepted.
   * @param rows Requests to examine.
   */
  async examine(
    selection: RequestSelection,
    { text: part, reports }: SearchText,
    range: IdRange,
    order: IdOrder,
    rows: number,
  ): Promise<Examined> {
    const values: unknown[] = [containing(part), reports];
    const next = `SELECT r.id, lower(r.callback_url) LIKE $1 OR r.report = ANY ($2) AS is_match FROM requests r
      WHERE ${rangeConditions(selection, range, values)} ORDER BY r.id ${direction(order)} LIMIT $${values.push(rows)}`;
    const text = `SELECT count(*) AS examined, coalesce(array_agg(id) FILTER (WHERE is_match), '{}') AS ids,
        (array_agg(id))[count(*)::integer] AS "lastId" FROM (${next}) examined`;
    const [row] = await this.requests.query<(Examined & { examined: number })[]>(text, values);
    const { examined, ids, lastId } = row!;
    return { ids, lastId: examined < rows ? null : lastId };
  }
}

function rangeConditions(
  selection: RequestSelection,
  { beforeId, upToId, afterId }: IdRange,
  values: unknown[],
): string {
  const conditions = [selectionConditions(selection, values)];
  if (beforeId !== undefined) conditions.push(`r.id < $${values.push(beforeId)}`);
  if (upToId !== undefined) conditions.push(`r.id <= $${values.push(upToId)}`);
  if (afterId !== undefined) conditions.push(`r.id > $${values.push(afterId)}`);
  return conditions.join(' AND ');
}

const direction = (order: IdOrder): string => (order === 'newest-first' ? 'DESC' : 'ASC');
