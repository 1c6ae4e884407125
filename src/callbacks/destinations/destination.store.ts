import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { type Breaker, type BreakerEvent, type BreakerName, breaker } from './breaker.js';

/** Something that happened at a destination. */
export interface DestinationEvent {
  destination: string;
  event: BreakerEvent;
}

export interface DestinationRow extends Breaker {
  destination: string;
  state: BreakerName;
  hasWaiting: boolean;
  disabledUrls: { url: string; request_id: string; disabled_at: string }[];
}

/** A URL that answered 410 Gone. */
export interface GoneUrl {
  url: string;
  requestId: string;
}

/** Disabled URLs of a destination that are shown. */
const SHOWN_URLS = 100;

const BREAKER = `state, failures, openings, opened_at AS "openedAt", open_until AS "openUntil"`;

/** What waits at a destination that does not answer is given up together, so many at a time. */
const GIVE_UP_LIMIT = 500;

/** All SQL of destinations: their breakers, and the URLs that are not called any more. */
@Injectable()
export class DestinationStore {
  constructor(private readonly database: Database) {}

  /**
   * Lets breakers hear what happened, in order, under the lock of their rows: of several workers each tells what it saw,
   * and all know what follows.
   * @returns How things stand now, for each destination named, and whether the last probe that was asked for is granted.
   */
  async tell(events: DestinationEvent[]): Promise<Map<string, Breaker & { isGranted: boolean }>> {
    const names = [...new Set(events.map(({ destination }) => destination))].toSorted();
    const after = new Map<string, Breaker & { isGranted: boolean }>();
    await this.database.transaction(async (query) => {
      const insert = `INSERT INTO callback_destinations (destination) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`;
      let known = await this.lock(query, names);
      if (known.length < names.length) {
        await query({ name: 'destination_add', text: insert }, [names]);
        known = await this.lock(query, names);
      }
      for (const { destination, now, ...before } of known) {
        let state: Breaker = before;
        let isGranted = false;
        for (const { event } of events.filter((told) => told.destination === destination)) {
          const next = breaker(state, event, now);
          if (event === 'probe') isGranted = next !== state;
          state = next;
        }
        after.set(destination, { ...state, isGranted });
      }
      await this.write(query, after);
      return true;
    });
    return after;
  }

  private lock(query: Query, names: string[]): Promise<(Breaker & { destination: string; now: Date })[]> {
    const text = `SELECT destination, ${BREAKER}, clock_timestamp() AS now FROM callback_destinations
      WHERE destination = ANY ($1::text[]) ORDER BY destination FOR UPDATE`;
    return query<Breaker & { destination: string; now: Date }>({ name: 'destination_lock', text }, [names]);
  }

  private async write(query: Query, after: Map<string, Breaker>): Promise<void> {
    const text = `UPDATE callback_destinations d SET state = t.state, failures = t.failures, openings = t.openings,
        opened_at = t.opened_at, open_until = t.open_until, changed_at = clock_timestamp()
      FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::timestamptz[], $6::timestamptz[])
        AS t (destination, state, failures, openings, opened_at, open_until)
      WHERE d.destination = t.destination`;
    const states = [...after.values()];
    await query({ name: 'destination_write', text }, [
      [...after.keys()],
      states.map(({ state }) => state),
      states.map(({ failures }) => failures),
      states.map(({ openings }) => openings),
      states.map(({ openedAt }) => openedAt),
      states.map(({ openUntil }) => openUntil),
    ]);
  }

  /**
   * Gives up what has waited at destinations that are not closed for longer than its patience, since it was due and since
   * the breaker opened. What may be on its way is left to whoever sends it.
   * @returns How many it was; the most at a time when there may be more.
   */
  async giveUpWaiting(patienceMs: number): Promise<{ count: number; mayBeMore: boolean }> {
    // Each condition is that of an index.
    const waiting = (attempts: string): string => `SELECT d.id FROM callback_deliveries d
      WHERE d.destination = down.destination AND d.status = 'PENDING' AND ${attempts} AND d.leased_by IS NULL
        AND d.next_attempt_at < clock_timestamp() - $1 * interval '1 millisecond'
        AND NOT EXISTS (SELECT FROM callback_queues s
          WHERE s.destination = d.destination AND s.lane = d.lane AND d.id = ANY (s.started))
      LIMIT ${GIVE_UP_LIMIT}`;
    const text = `WITH late AS (
        SELECT waiting.id, down.opened_at FROM callback_destinations down
        CROSS JOIN LATERAL ((${waiting('d.attempts = 0')}) UNION ALL (${waiting('d.attempts > 0')})) waiting
        WHERE down.state <> 'closed' AND down.opened_at < clock_timestamp() - $1 * interval '1 millisecond'
        LIMIT ${GIVE_UP_LIMIT}
      ), locked AS (
        SELECT d.id, late.opened_at FROM callback_deliveries d JOIN late ON late.id = d.id
        WHERE d.status = 'PENDING' AND d.leased_by IS NULL ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
      )
      UPDATE callback_deliveries d SET status = 'FAILED', finished_at = now(),
        error = 'The destination has failed since ' || to_char(locked.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
          || '; this callback waited for it for as long as its schedule lasts'
      FROM locked WHERE d.id = locked.id RETURNING d.id`;
    const rows = await this.database.query({ name: 'destination_give_up', text }, [patienceMs]);
    return { count: rows.length, mayBeMore: rows.length === GIVE_UP_LIMIT };
  }

  /**
   * Forgets breakers that have heard nothing for so long, at whose destinations nothing waits; up to so many.
   * @returns How many it was.
   */
  async forgetIdle(idleMs: number, limit: number): Promise<number> {
    // One probe of an index for each; as NOT EXISTS it might be joined with all that is pending.
    const waiting = (attempts: string): string => `(SELECT d.id FROM callback_deliveries d
      WHERE d.destination = c.destination AND d.status = 'PENDING' AND ${attempts} LIMIT 1)`;
    const text = `DELETE FROM callback_destinations c USING (
        SELECT c.destination FROM callback_destinations c
        WHERE c.changed_at < clock_timestamp() - $1 * interval '1 millisecond'
          AND ${waiting('d.attempts = 0')} IS NULL AND ${waiting('d.attempts > 0')} IS NULL
        LIMIT $2 FOR UPDATE SKIP LOCKED
      ) idle
      WHERE c.destination = idle.destination RETURNING c.destination`;
    return (await this.database.query({ name: 'destination_forget_idle', text }, [idleMs, limit])).length;
  }

  /** Nothing more is sent to these URLs until {@link enable}. */
  async disable(urls: GoneUrl[], destinationOf: (url: string) => string): Promise<void> {
    const text = `INSERT INTO callback_disabled_urls (url, destination, request_id)
      SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING`;
    await this.database.query({ name: 'url_disable', text }, [
      urls.map(({ url }) => url),
      urls.map(({ url }) => destinationOf(url)),
      urls.map(({ requestId }) => requestId),
    ]);
  }

  /** @returns False when the URL is not disabled. */
  async enable(url: string): Promise<boolean> {
    const text = 'DELETE FROM callback_disabled_urls WHERE url = $1 RETURNING id';
    return (await this.database.query({ name: 'url_enable', text }, [url])).length > 0;
  }

  /** Destinations that have failed lately or have a disabled URL, by name, after the one given. */
  async list(after: string, limit: number): Promise<DestinationRow[]> {
    const text = `WITH named AS (
        (SELECT destination FROM callback_destinations WHERE destination > $1 ORDER BY destination LIMIT $2)
        UNION
        (SELECT DISTINCT destination FROM callback_disabled_urls WHERE destination > $1 ORDER BY destination LIMIT $2)
        ORDER BY destination LIMIT $2
      )
      SELECT n.destination, coalesce(c.state, 'closed') AS state, coalesce(c.failures, 0) AS failures,
        coalesce(c.openings, 0) AS openings, c.opened_at AS "openedAt", c.open_until AS "openUntil",
        EXISTS (SELECT FROM callback_deliveries d WHERE d.destination = n.destination AND d.status = 'PENDING' AND d.attempts = 0)
          OR EXISTS (SELECT FROM callback_deliveries d WHERE d.destination = n.destination AND d.status = 'PENDING' AND d.attempts > 0)
          AS "hasWaiting",
        (SELECT coalesce(json_agg(json_build_object('url', u.url, 'request_id', u.request_id, 'disabled_at',
            to_char(u.disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))), '[]')
          FROM (SELECT * FROM callback_disabled_urls u WHERE u.destination = n.destination
            ORDER BY u.disabled_at DESC LIMIT ${SHOWN_URLS}) u) AS "disabledUrls"
      FROM named n LEFT JOIN callback_destinations c ON c.destination = n.destination ORDER BY n.destination`;
    return this.database.query<DestinationRow>({ name: 'destination_list', text }, [after, limit]);
  }
}
