import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Breaker } from './breaker.js';
import { CallbackDestination, CallbackDisabledUrl } from './callback-destination.entity.js';

export interface DestinationRow extends Breaker {
  destination: string;
  hasWaiting: boolean;
  disabledUrls: { url: string; request_id: string; disabled_at: string }[];
}

/** Limit of disabled URLs in the view of a destination. */
const SHOWN_URLS = 100;

const hasPending = (attempts: string): string => `EXISTS (SELECT FROM callback_deliveries d
    WHERE d.destination = n.destination AND d.status = 'PENDING' AND ${attempts})`;

/** Pages over two tables, since a destination with a disabled URL need not have a breaker. */
const LIST = `
  WITH named AS (
    (SELECT destination FROM callback_destinations WHERE destination > $1 ORDER BY destination LIMIT $2)
    UNION
    (SELECT DISTINCT destination FROM callback_disabled_urls WHERE destination > $1 ORDER BY destination LIMIT $2)
    ORDER BY destination LIMIT $2
  )
  SELECT n.destination, coalesce(c.state, 'closed') AS state, coalesce(c.failures, 0) AS failures,
    coalesce(c.openings, 0) AS openings, c.opened_at AS "openedAt", c.open_until AS "openUntil",
    ${hasPending('d.attempts = 0')} OR ${hasPending('d.attempts > 0')} AS "hasWaiting",
    (SELECT coalesce(json_agg(json_build_object('url', u.url, 'request_id', u.request_id, 'disabled_at',
        to_char(u.disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))), '[]')
      FROM (SELECT * FROM callback_disabled_urls u WHERE u.destination = n.destination
        ORDER BY u.disabled_at DESC LIMIT ${SHOWN_URLS}) u) AS "disabledUrls"
  FROM named n LEFT JOIN callback_destinations c ON c.destination = n.destination ORDER BY n.destination`;

/** Destinations as operators see them, and their disabled URLs. {@link BreakerStore} moves the breakers. */
@Injectable()
export class DestinationRepository {
  constructor(
    @InjectRepository(CallbackDestination) private readonly destinations: Repository<CallbackDestination>,
    @InjectRepository(CallbackDisabledUrl) private readonly disabledUrls: Repository<CallbackDisabledUrl>,
  ) {}

  /** @returns Destinations after `after` by name that have failed recently or have a disabled URL. */
  list(after: string, limit: number): Promise<DestinationRow[]> {
    return this.destinations.query<DestinationRow[]>(LIST, [after, limit]);
  }

  /** Disables URLs that answered 410 Gone. Callbacks to them fail without an attempt until {@link enable}. */
  async disable(urls: Pick<CallbackDisabledUrl, 'url' | 'destination' | 'requestId'>[]): Promise<void> {
    await this.disabledUrls.createQueryBuilder().insert().values(urls).orIgnore().execute();
  }

  /** @returns False when the URL is not disabled. */
  async enable(url: string): Promise<boolean> {
    return ((await this.disabledUrls.delete({ url })).affected ?? 0) > 0;
  }
}
