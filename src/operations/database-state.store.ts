import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';

/** True on a standby, and after `default_transaction_read_only=on`, as failovers use it. */
const READ_ONLY = {
  name: 'is_read_only',
  text: `SELECT current_setting('transaction_read_only') = 'on' AS "isReadOnly"`,
};

/** The state of Postgres itself. Hand-written SQL, because it concerns no table. */
@Injectable()
export class DatabaseStateStore {
  constructor(private readonly database: Database) {}

  /** Whether Postgres refuses writes now. @throws DatabaseUnavailable */
  async isReadOnly(): Promise<boolean> {
    const [row] = await this.database.query<{ isReadOnly: boolean }>(READ_ONLY);
    return row!.isReadOnly;
  }
}
