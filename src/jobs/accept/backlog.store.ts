import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';

/** SQL of what waits in all lanes together. */
@Injectable()
export class BacklogStore {
  constructor(private readonly database: Database) {}

  /** Unfinished async requests. */
  async pending(): Promise<number> {
    const text = 'SELECT coalesce(sum(pending), 0)::float8 AS pending FROM lanes WHERE pending > 0';
    const [row] = await this.database.query<{ pending: number }>({ name: 'backlog_pending', text });
    return row!.pending;
  }
}
