import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Database } from '../platform/database/database.js';

/** True on a standby, and after `default_transaction_read_only=on`, as failovers use it. */
const STATE = {
  name: 'database_state',
  text: `SELECT current_setting('transaction_read_only') = 'on' AS "isReadOnly",
    current_setting('server_version') AS version`,
};
const MIGRATIONS = { name: 'migrations_applied', text: 'SELECT name FROM migrations ORDER BY id DESC LIMIT 1000' };

/** The migrations in the database, compared with those of this version. */
export interface MigrationState {
  status: 'current' | 'pending' | 'newer';
  /** The newest migration in the database. */
  newest: string | null;
  applied: number;
  pending: string[];
}

/** The state of Postgres itself. Hand-written SQL, because it concerns no table of a feature. */
@Injectable()
export class DatabaseStateStore {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** Whether Postgres refuses writes now, and its version. @throws DatabaseUnavailable */
  async read(): Promise<{ isReadOnly: boolean; version: string }> {
    const [row] = await this.database.query<{ isReadOnly: boolean; version: string }>(STATE);
    return row!;
  }

  /** @throws DatabaseUnavailable */
  async migrations(): Promise<MigrationState> {
    const rows = await this.database.query<{ name: string }>(MIGRATIONS);
    const applied = new Set(rows.map(({ name }) => name));
    const known = this.dataSource.migrations.map(({ name, constructor }) => name ?? constructor.name);
    const pending = known.filter((name) => !applied.has(name));
    // A process of an older version keeps running while a newer one has migrated.
    const isNewer = applied.size > known.length - pending.length;
    const status = pending.length > 0 ? 'pending' : isNewer ? 'newer' : 'current';
    return { status, newest: rows[0]?.name ?? null, applied: applied.size, pending };
  }
}
