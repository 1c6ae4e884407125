import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { ApiKeyRepository } from '../accounts/api-key.repository.js';
import { TotalsRepairStore } from '../books/verify/totals-repair.store.js';
import { type Verification, VerificationStore } from '../books/verify/verification.store.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { StartError } from '../platform/errors.js';
import { BOOKINGS } from '../tickets/bookings/booking-checks.store.js';
import { recordAction } from './command-action.js';
import { withDataSource } from './with-data-source.js';
import { OPEN_INSTALLATION } from '../platform/tenant.js';

/** The name of the books of an installation with `AUTH=open`. */
export const OPEN = 'open';

/** The result of the command, with the names of the accounts that it found something in. */
export interface NamedVerification extends Verification {
  /** By the `account_id` of the books. */
  names: Map<string, string>;
}

/**
 * Verifies the books in the database of the given settings.
 * @param account The name of one account; undefined for all.
 * @param areTotalsRepaired Whether the totals are written again first.
 * @throws StartError if there is no such account, or the database is unavailable.
 */
export async function verifyBooks(
  config: Config,
  account: string | undefined,
  areTotalsRepaired: boolean,
): Promise<NamedVerification> {
  return withDataSource(config, async (dataSource) => {
    const keys = new ApiKeyRepository(dataSource.getRepository(ApiKey), dataSource.getRepository(Account));
    const id = account === undefined ? null : await booksOf(keys, account);
    const database = new Database(dataSource, config);
    if (areTotalsRepaired) {
      await new TotalsRepairStore(database).repair(id);
      await recordAction(dataSource, { name: 'books.repair-totals', target: account ?? null, detail: null });
    }
    const verification = await new VerificationStore(database, [BOOKINGS]).verify(id);
    const ids = verification.found.flatMap(({ findings }) => findings.map((finding) => finding.account));
    const names = await keys.accountNames([...new Set(ids)]);
    return { ...verification, names: names.set(OPEN_INSTALLATION, OPEN) };
  });
}

/** @returns The `account_id` of the books of an account. @throws StartError */
export async function booksOf(keys: ApiKeyRepository, account: string): Promise<string> {
  const id = account === OPEN ? OPEN_INSTALLATION : await keys.findAccount(account);
  if (id === null) throw new StartError(`There is no account ${account}`);
  return id;
}
