import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type AccountId, laneName, qualifiedLane } from '../../platform/tenant.js';
import { LiveLanes } from '../../requests/live/live-lanes.js';
import { firstPosition } from '../sql-fragments.store.js';
import { Lane } from './lane.entity.js';

/** A lane as the API shows it. */
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

/** Each lane costs one probe of the index of unfinished requests: for its head, the only request that may be in progress. */
const VIEW = `SELECT l.name AS lane, l.pending - coalesce(head.in_progress, 0) AS pending,
  coalesce(head.in_progress, 0) AS in_progress, floor(extract(epoch FROM now() - head.created_at))::integer AS head_age_seconds,
  round((l.throughput_per_s * 60)::numeric, 1)::float8 AS drain_rate_per_minute,
  CASE WHEN l.lease_until > now() THEN l.leased_by END AS held_by, l.paused, l.priority
  FROM lanes l LEFT JOIN LATERAL (
    SELECT r.created_at, (r.status = 'PROCESSING')::integer AS in_progress FROM requests r
    WHERE r.lane = l.name AND r.status IN ('PENDING', 'PROCESSING') ORDER BY r.queue_position LIMIT 1
  ) head ON true`;

const ONE = `${VIEW} WHERE l.name = $1`;
const LIST = `${VIEW} WHERE l.name > $1 ORDER BY l.name LIMIT $2`;
const LIST_OF_ACCOUNT = `${VIEW} WHERE split_part(l.name, '/', 1) = $1 AND strpos(l.name, '/') > 0 AND l.name > $2
  ORDER BY l.name LIMIT $3`;

/** Not `upsert`, because a lane that was reaped continues its positions. */
const SET_PAUSED = `INSERT INTO lanes (name, next_position, paused) VALUES ($1, ${firstPosition('$1')}, $2)
  ON CONFLICT (name) DO UPDATE SET paused = excluded.paused`;
const SET_PRIORITY = `INSERT INTO lanes (name, next_position, priority) VALUES ($1, ${firstPosition('$1')}, $2)
  ON CONFLICT (name) DO UPDATE SET priority = excluded.priority`;

/** Lanes of a live view that is not of one lane. */
const LIVE_LANES = 200;

/** Lanes as operators and accounts see and configure them. Names are qualified (`qualifiedLane`). */
@Injectable()
export class LaneRepository extends LiveLanes {
  constructor(@InjectRepository(Lane) private readonly lanes: Repository<Lane>) {
    super();
  }

  /**
   * Returns a page of lanes by name: those of an account, or all of them.
   * @param after The last lane of the previous page, without its account; empty for the first.
   * @param isOperator Whether to show which worker has leased a lane.
   */
  async list(account: AccountId, after: string, limit: number, isOperator: boolean): Promise<LaneView[]> {
    if (account === null) return this.lanes.query<LaneView[]>(LIST, [after, limit]);
    const values = [account, qualifiedLane(account, after), limit];
    return shown(await this.lanes.query<LaneView[]>(LIST_OF_ACCOUNT, values), account, isOperator);
  }

  async live(account: AccountId, lane: string | undefined, isOperator: boolean): Promise<LaneView[]> {
    if (lane === undefined) return this.list(account, '', LIVE_LANES, isOperator);
    return shown(await this.lanes.query<LaneView[]>(ONE, [qualifiedLane(account, lane)]), account, isOperator);
  }

  /** Creates the lane if necessary: it can be paused before its first request. */
  async setPaused(lane: string, paused: boolean): Promise<void> {
    await this.lanes.query(SET_PAUSED, [lane, paused]);
  }

  /** Creates the lane if necessary. */
  async setPriority(lane: string, priority: number): Promise<void> {
    await this.lanes.query(SET_PRIORITY, [lane, priority]);
  }
}

/** Names an account's lanes without it, and hides worker ids from tenants: they contain a host name and a process id. */
function shown(views: LaneView[], account: AccountId, isOperator: boolean): LaneView[] {
  if (account === null) return views;
  return views.map((view) => ({ ...view, lane: laneName(view.lane), held_by: isOperator ? view.held_by : null }));
}
