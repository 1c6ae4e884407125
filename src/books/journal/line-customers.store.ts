import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';

/** Locked against deletion until the commit, because lines have no foreign key: it would cost every posting. */
const LOCK = statement(
  'line_customers_lock',
  `SELECT c.id FROM customers c WHERE c.account_id = :account::uuid AND c.id = ANY (:ids::uuid[])
    ORDER BY c.id FOR KEY SHARE`,
);

/** The customers on lines. Hand-written SQL, because of the locks and their order. */
@Injectable()
export class LineCustomersStore {
  /**
   * Locks customers against deletion until the commit.
   * @param query Of the caller's transaction.
   * @returns Those of the ids that are customers of the account.
   */
  async lock(query: Query, account: string, ids: readonly string[]): Promise<Set<string>> {
    const rows: { id: string }[] = await query(LOCK, { account, ids });
    return new Set(rows.map(({ id }) => id));
  }
}
