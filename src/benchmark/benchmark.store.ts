import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { RUN_ALIVE_S } from './load-runs.js';
import type { RunStatus } from './benchmark-run.entity.js';

export interface RunRow {
  id: string;
  mode: string;
  status: RunStatus;
  settings: object;
  progress: object | null;
  result: object | null;
  error: string | null;
  created_at: Date;
  finished_at: Date | null;
}

/** Older runs are forgotten. */
const KEPT_RUNS = 200;
const ROW = 'id, mode, status, settings, progress, result, error, created_at, finished_at';

/** SQL of the load tests. */
@Injectable()
export class BenchmarkStore {
  constructor(private readonly database: Database) {}

  /** Takes the one place there is for a run; null when another is under way. Forgets old runs. */
  async begin(id: string, mode: string, settings: object, tokenHash: string): Promise<RunRow | null> {
    const ended = `UPDATE benchmark_runs SET status = 'FAILED', error = 'The process that ran it has ended.',
        finished_at = now()
      WHERE status = 'RUNNING' AND seen_at <= now() - $1 * interval '1 second'`;
    await this.database.query({ name: 'run_end_dead', text: ended }, [RUN_ALIVE_S]);
    // Of two at once the second one finds the first in the index of running ones, and inserts nothing.
    const text = `WITH forgotten AS (
        DELETE FROM benchmark_runs WHERE status <> 'RUNNING' AND id IN (
          SELECT id FROM benchmark_runs ORDER BY id DESC OFFSET $5)
      )
      INSERT INTO benchmark_runs (id, mode, status, settings, token_hash) VALUES ($1, $2, 'RUNNING', $3, $4)
      ON CONFLICT (status) WHERE status = 'RUNNING' DO NOTHING
      RETURNING ${ROW}`;
    const values = [id, mode, JSON.stringify(settings), tokenHash, KEPT_RUNS - 1];
    const [row] = await this.database.query<RunRow>({ name: 'run_begin', text }, values);
    return row ?? null;
  }

  /** From now on the run's callbacks may go to this address. */
  async openReceiver(id: string, receiverUrl: string): Promise<void> {
    const text = `UPDATE benchmark_runs SET receiver_url = $2 WHERE id = $1 AND status = 'RUNNING'`;
    await this.database.query({ name: 'run_open_receiver', text }, [id, receiverUrl]);
  }

  /** Says that the run's process is alive, and how far it is. False when the run has been cancelled. */
  async beat(id: string, progress: object | null): Promise<boolean> {
    const text = `UPDATE benchmark_runs SET seen_at = now(), progress = coalesce($2, progress)
      WHERE id = $1 AND status = 'RUNNING' RETURNING id`;
    const rows = await this.database.query({ name: 'run_beat', text }, [id, progress && JSON.stringify(progress)]);
    return rows.length > 0;
  }

  /** Ends a run that is under way; what was open for it closes. False when it has ended before. */
  async end(
    id: string,
    status: Exclude<RunStatus, 'RUNNING'>,
    { result = null, error = null }: { result?: object | null; error?: string | null } = {},
  ): Promise<boolean> {
    const text = `UPDATE benchmark_runs SET status = $2, result = $3, error = $4, finished_at = now(), receiver_url = NULL
      WHERE id = $1 AND status = 'RUNNING' RETURNING id`;
    const values = [id, status, result && JSON.stringify(result), error];
    return (await this.database.query({ name: 'run_end', text }, values)).length > 0;
  }

  async find(id: string): Promise<RunRow | null> {
    const text = `SELECT ${ROW} FROM benchmark_runs WHERE id = $1`;
    const [row] = await this.database.query<RunRow>({ name: 'run_find', text }, [id]);
    return row ?? null;
  }

  /** The newest first. */
  list(limit: number): Promise<RunRow[]> {
    const text = `SELECT ${ROW} FROM benchmark_runs ORDER BY id DESC LIMIT $1`;
    return this.database.query<RunRow>({ name: 'run_list', text }, [limit]);
  }
}
