/** Reports over the books equal a recount of the entries in TypeScript, for many intervals, last entries and currencies. */
import { beforeAll, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';
import { RandomBooks, TYPES } from './recount-fixture.js';
import { accountWithBooks, reportsClient } from './reports-fixture.js';

let daybook: Daybook;
let books: RandomBooks;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  const stores = await Stores.open(daybook.databaseUrl!);
  books = await RandomBooks.post(
    stores,
    await accountWithBooks(daybook, 'random'),
    1_500,
    reportsClient(() => daybook),
  );
});

it.each(TYPES)('%s', async (type) => {
  for (const { shown, expected } of await books.compare(type, 25)) expect(shown).toEqual(expected);
});
