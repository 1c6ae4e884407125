import { beforeAll, expect, it } from '@jest/globals';
import { NIL } from 'uuid';
import { openStores, type Stores } from '../support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

it('returns finished requests by id, with the result as the text that is stored', async () => {
  const [completed, failed, pending] = await stores.accept('lane', 3);
  const result = '{ "b": 1,  "a": 2 }';
  await stores.sql(
    `UPDATE requests SET status = 'COMPLETED', result_payload = $2, completed_at = '2026-03-01T12:00:00.123Z' WHERE id = $1`,
    [completed, result],
  );
  await stores.sql(`UPDATE requests SET status = 'FAILED', error = 'No', completed_at = now() WHERE id = $1`, [failed]);
  const found = await stores.finished.find([completed!, failed!, pending!, NIL]);
  expect(new Set(found.keys())).toEqual(new Set([completed, failed]));
  expect(found.get(completed!)).toEqual({
    id: completed,
    account: null,
    status: 'COMPLETED',
    queuePosition: 1,
    result,
    error: null,
    completedAt: new Date('2026-03-01T12:00:00.123Z'),
  });
  expect(found.get(failed!)).toMatchObject({ status: 'FAILED', queuePosition: 2, result: null, error: 'No' });
});
