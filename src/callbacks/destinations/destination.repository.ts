import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { MAX as MAX_ID, NIL as NIL_ID } from 'uuid';
import type { AccountId } from '../../platform/tenant.js';
import type { Breaker } from './breaker.js';
import { CallbackDestination, CallbackDisabledUrl, disabledUrlId } from './callback-destination.entity.js';
import type { Target } from './target.js';

export interface DestinationRow extends Breaker, Target {
  hasWaiting: boolean;
  disabledUrls: { url: string; request_id: string; disabled_at: string }[];
}

/** Limit of disabled URLs in the view of a destination. */
const SHOWN_URLS = 100;

const hasPending = (attempts: string): string => `EXISTS (SELECT FROM callback_deliveries d
    WHERE d.account_id = n.account_id AND d.destination = n.destination AND d.status = 'PENDING' AND ${attempts})`;

const pageOfTable = (table: string): string => `(SELECT DISTINCT account_id, destination FROM ${table}
      WHERE (account_id, destination) > ($1, $2) AND account_id BETWEEN $3 AND $4
      ORDER BY account_id, destination LIMIT $5)`;

/** Pages over two tables, since a destination with a disabled URL need not have a breaker. */
const LIST = `
  WITH named AS (
    ${pageOfTable('callback_destinations')}
    UNION
    ${pageOfTable('callback_disabled_urls')}
    ORDER BY account_id, destination LIMIT $5
  )
  SELECT n.account_id AS "accountId", n.destination, coalesce(c.state, 'closed') AS state,
    coalesce(c.failures, 0) AS failures, coalesce(c.openings, 0) AS openings, c.opened_at AS "openedAt",
    c.open_until AS "openUntil", ${hasPending('d.attempts = 0')} OR ${hasPending('d.attempts > 0')} AS "hasWaiting",
    (SELECT coalesce(json_agg(json_build_object('url', u.url, 'request_id', u.request_id, 'disabled_at',
        to_char(u.disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))), '[]')
      FROM (SELECT * FROM callback_disabled_urls u WHERE u.account_id = n.account_id AND u.destination = n.destination
        ORDER BY u.disabled_at DESC LIMIT ${SHOWN_URLS}) u) AS "disabledUrls"
  FROM named n
  LEFT JOIN callback_destinations c ON c.account_id = n.account_id AND c.destination = n.destination
  ORDER BY n.account_id, n.destination`;

// Hand-written: SKIP LOCKED lets the sweeps of several workers run side by side. An array, because a join could become a scan.
const REMOVE_EXPIRED = `DELETE FROM callback_disabled_urls WHERE id = ANY (ARRAY(
    SELECT id FROM callback_disabled_urls WHERE disabled_at < now() - $1 * interval '1 millisecond'
    ORDER BY disabled_at LIMIT $2 FOR UPDATE SKIP LOCKED))`;

/** Destinations as accounts see them, and their disabled URLs. {@link BreakerStore} moves the breakers. */
@Injectable()
export class DestinationRepository {
  constructor(
    @InjectRepository(CallbackDestination) private readonly destinations: Repository<CallbackDestination>,
    @InjectRepository(CallbackDisabledUrl) private readonly disabledUrls: Repository<CallbackDisabledUrl>,
  ) {}

  /**
   * @param account Null for those of all accounts.
   * @returns Destinations after `after`, by account and name, that have failed recently or have a disabled URL.
   */
  list(account: AccountId, after: Target, limit: number): Promise<DestinationRow[]> {
    const values = [after.accountId, after.destination, account ?? NIL_ID, account ?? MAX_ID, limit];
    return this.destinations.query<DestinationRow[]>(LIST, values);
  }

  /** Disables URLs that answered 410 Gone. Callbacks of their account to them fail until {@link enable}. */
  async disable(urls: Pick<CallbackDisabledUrl, 'accountId' | 'url' | 'destination' | 'requestId'>[]): Promise<void> {
    const rows = urls.map((url) => ({ id: disabledUrlId(url.accountId, url.url), ...url }));
    await this.disabledUrls.createQueryBuilder().insert().values(rows).orIgnore().execute();
  }

  /** @param account Null for all accounts. @returns False when the URL is not disabled. */
  async enable(account: AccountId, url: string): Promise<boolean> {
    const where = account === null ? { url } : { id: disabledUrlId(account, url) };
    return ((await this.disabledUrls.delete(where)).affected ?? 0) > 0;
  }

  /**
   * Deletes up to `limit` entries of URLs that were disabled long enough ago. The next callback to such a URL is sent, and
   * another 410 disables it again.
   * @returns Their number.
   */
  async removeExpired(ageMs: number, limit: number): Promise<number> {
    const [, count] = await this.disabledUrls.query<[unknown, number]>(REMOVE_EXPIRED, [ageMs, limit]);
    return count;
  }
}
