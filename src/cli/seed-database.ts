import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { ApiKeyRepository } from '../accounts/api-key.repository.js';
import { JournalStore } from '../books/journal/journal.store.js';
import type { SeedPlan } from '../books/seed/generated-books.js';
import { SeedStore } from '../books/seed/seed.store.js';
import { Seeder } from '../books/seed/seeder.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { booksOf } from './books-database.js';
import { recordAction } from './command-action.js';
import { withDataSource } from './with-data-source.js';

/**
 * Adds generated books to those of an account.
 * @param written Gets the number of orders after each transaction.
 * @throws SeedingOff; StartError if there is no such account, or the database is unavailable
 */
export async function seedBooks(
  config: Config,
  account: string,
  plan: Omit<SeedPlan, 'currency'>,
  written: (orders: number) => void,
): Promise<void> {
  await withDataSource(config, async (dataSource) => {
    const database = new Database(dataSource, config);
    const seeder = new Seeder(database, new SeedStore(new JournalStore()), config);
    seeder.checkAllowed();
    const keys = new ApiKeyRepository(dataSource.getRepository(ApiKey), dataSource.getRepository(Account));
    const id = await booksOf(keys, account);
    await recordAction(dataSource, { name: 'books.seed', target: account, detail: { ...plan } });
    await seeder.writeInParts(id, plan, written);
  });
}
