import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { statement } from '../platform/database/named-parameters.js';

const IS_CANCELLED = statement(
  'request_is_cancelled',
  `SELECT status = 'CANCELLED' AS "isCancelled" FROM requests WHERE id = :id::uuid`,
);

/** How often a running report looks whether it was cancelled. */
const LOOK_EVERY_MS = 1_000;

/** Ends running reports that were cancelled. Hand-written SQL, because it runs every second of each long report. */
@Injectable()
export class CancellationsStore {
  constructor(private readonly database: Database) {}

  /**
   * Runs work on a request.
   * @param work Gets a signal that aborts soon after the request was cancelled.
   */
  async during<T>(id: string, work: (cancelled: AbortSignal) => Promise<T>): Promise<T> {
    const cancelled = new AbortController();
    // During an outage the report continues: it may have been read already.
    const look = (): void =>
      void this.isCancelled(id).then(
        (is) => is && cancelled.abort(),
        () => undefined,
      );
    const timer = setInterval(look, LOOK_EVERY_MS).unref();
    try {
      return await work(cancelled.signal);
    } finally {
      clearInterval(timer);
    }
  }

  private async isCancelled(id: string): Promise<boolean> {
    const [row] = await this.database.query<{ isCancelled: boolean }, 'id'>(IS_CANCELLED, { id });
    return row?.isCancelled ?? false;
  }
}
