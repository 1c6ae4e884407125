import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';

/** A lane as an operator sees it. */
export interface LaneView {
  lane: string;
  pending: number;
  in_progress: number;
  head_age_seconds: number | null;
  drain_rate_per_minute: number;
  held_by: string | null;
  paused: boolean;
  priority: number;
}

/** Each lane costs one probe of the index of unfinished requests: its head, which is also the one that may be in hand. */
const VIEW = `l.name AS lane, l.pending - coalesce(head.in_progress, 0) AS pending,
  coalesce(head.in_progress, 0) AS in_progress, floor(extract(epoch FROM now() - head.created_at))::integer AS head_age_seconds,
  round((l.throughput_per_s * 60)::numeric, 1)::float8 AS drain_rate_per_minute,
  CASE WHEN l.lease_until > now() THEN l.leased_by END AS held_by, l.paused, l.priority
  FROM lanes l LEFT JOIN LATERAL (
    SELECT r.created_at, (r.status = 'PROCESSING')::integer AS in_progress FROM requests r
    WHERE r.lane = l.name AND r.status IN ('PENDING', 'PROCESSING') ORDER BY r.queue_position LIMIT 1
  ) head ON true`;

/** SQL of what operators do with lanes. */
@Injectable()
export class LanesStore {
  constructor(private readonly database: Database) {}

  async list(after: string, limit: number): Promise<LaneView[]> {
    const text = `SELECT ${VIEW} WHERE l.name > $1 ORDER BY l.name LIMIT $2`;
    return this.database.query<LaneView>({ name: 'lanes_list', text }, [after, limit]);
  }

  /** Those of one account. */
  async listOwn(account: string, after: string, limit: number): Promise<LaneView[]> {
    const text = `SELECT ${VIEW} WHERE split_part(l.name, '/', 1) = $1 AND strpos(l.name, '/') > 0 AND l.name > $2
      ORDER BY l.name LIMIT $3`;
    return this.database.query<LaneView>({ name: 'lanes_list_own', text }, [account, after, limit]);
  }

  async find(lane: string): Promise<LaneView | null> {
    const [row] = await this.database.query<LaneView>({ name: 'lane_find', text: `SELECT ${VIEW} WHERE l.name = $1` }, [
      lane,
    ]);
    return row ?? null;
  }

  /** Makes the lane if need be, so that one can be paused or preferred before its first request. */
  async setPaused(lane: string, paused: boolean): Promise<void> {
    const text = `INSERT INTO lanes (name, paused) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused`;
    await this.database.query({ name: 'lane_set_paused', text }, [lane, paused]);
  }

  async setPriority(lane: string, priority: number): Promise<void> {
    const text = `INSERT INTO lanes (name, priority) VALUES ($1, $2)
      ON CONFLICT (name) DO UPDATE SET priority = excluded.priority`;
    await this.database.query({ name: 'lane_set_priority', text }, [lane, priority]);
  }
}
