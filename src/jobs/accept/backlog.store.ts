import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { AccountId } from '../../platform/tenant.js';
import { OPEN_ACCOUNT, accountOf } from '../sql-fragments.store.js';

/** The unfinished async requests of one account. */
export interface AccountPending {
  account: AccountId;
  pending: number;
  /** Estimated bytes of their files. */
  reservedBytes: number;
}

/** Reads the lanes that have work, over the index `lanes_waiting`, and the paused ones. */
const COUNT = statement(
  'backlog_count',
  `SELECT nullif(${accountOf('name')}, '${OPEN_ACCOUNT}') AS account, sum(pending) AS pending,
    sum(reserved_bytes)::bigint AS "reservedBytes"
  FROM (
    SELECT name, pending, reserved_bytes FROM lanes WHERE pending > 0 AND NOT paused
    UNION ALL SELECT name, pending, reserved_bytes FROM lanes WHERE pending > 0 AND paused
  ) unfinished GROUP BY 1`,
);

/** Counts unfinished requests. Hand-written, because every process does so once a second and the sums stay in the database. */
@Injectable()
export class BacklogStore {
  constructor(private readonly database: Database) {}

  /** Returns the accounts that have unfinished async requests. @throws DatabaseUnavailable */
  countByAccount(): Promise<AccountPending[]> {
    return this.database.query(COUNT);
  }
}
