import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { HOLDER, HOST_PREFIX } from '../../platform/concurrency/worker-id.js';

/** A worker that has not been seen for so long is not counted. */
const ALIVE_S = 15;
/** The row of one that never said good-bye is dropped after this. */
const FORGOTTEN_S = 86_400;

/** SQL of the workers' heartbeats, and of the figures that health reports. */
@Injectable()
export class WorkerStore {
  constructor(private readonly database: Database) {}

  async beat(): Promise<void> {
    const text = `WITH forgotten AS (DELETE FROM workers WHERE seen_at < now() - $2 * interval '1 second')
      INSERT INTO workers (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()`;
    await this.database.query({ name: 'worker_beat', text }, [HOLDER, FORGOTTEN_S]);
  }

  /** Everybody on this host who has not said good-bye. */
  async onThisHost(): Promise<string[]> {
    const text = 'SELECT id FROM workers WHERE starts_with(id, $1)';
    const rows = await this.database.query<{ id: string }>({ name: 'worker_on_host', text }, [HOST_PREFIX]);
    return rows.map(({ id }) => id);
  }

  async remove(ids: string[]): Promise<void> {
    await this.database.query({ name: 'worker_remove', text: 'DELETE FROM workers WHERE id = ANY ($1::text[])' }, [
      ids,
    ]);
  }

  /** Unfinished async requests, and the workers that are alive. */
  async figures(): Promise<{ queueDepth: number; activeWorkers: number }> {
    const text = `SELECT (SELECT coalesce(sum(pending), 0) FROM lanes WHERE pending > 0)::float8 AS "queueDepth",
      (SELECT count(*) FROM workers WHERE seen_at > now() - $1 * interval '1 second') AS "activeWorkers"`;
    const [row] = await this.database.query<{ queueDepth: number; activeWorkers: number }>(
      { name: 'health_figures', text },
      [ALIVE_S],
    );
    return row!;
  }
}
