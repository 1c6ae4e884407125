import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID, WORKER_HOST_PREFIX } from '../../platform/concurrency/worker-id.js';

/** A worker that has not been seen for so long is not counted. */
const ALIVE_S = 15;
/** The row of one that never said good-bye is dropped after this. */
const FORGOTTEN_S = 86_400;

/** SQL of the workers' heartbeats. */
@Injectable()
export class WorkerStore {
  constructor(private readonly database: Database) {}

  async beat(): Promise<void> {
    const text = `WITH forgotten AS (DELETE FROM workers WHERE seen_at < now() - $2 * interval '1 second')
      INSERT INTO workers (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()`;
    await this.database.query({ name: 'worker_beat', text }, [WORKER_ID, FORGOTTEN_S]);
  }

  /** Everybody on this host who has not said good-bye. */
  async onThisHost(): Promise<string[]> {
    const text = 'SELECT id FROM workers WHERE starts_with(id, $1)';
    const rows = await this.database.query<{ id: string }>({ name: 'worker_on_host', text }, [WORKER_HOST_PREFIX]);
    return rows.map(({ id }) => id);
  }

  async remove(ids: string[]): Promise<void> {
    await this.database.query({ name: 'worker_remove', text: 'DELETE FROM workers WHERE id = ANY ($1::text[])' }, [
      ids,
    ]);
  }

  async countAlive(): Promise<number> {
    const text = `SELECT count(*) AS count FROM workers WHERE seen_at > now() - $1 * interval '1 second'`;
    const [row] = await this.database.query<{ count: number }>({ name: 'worker_count', text }, [ALIVE_S]);
    return row!.count;
  }
}
