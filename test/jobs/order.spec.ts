import { beforeAll, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { laneHistory } from '../support/order-check.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';
import { expectOrderKept } from './order-fixture.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REPORT_THREADS: '2' } });
});

it('1,000 async requests from 32 connections run and are delivered in order by one process', () =>
  expectOrderKept(daybook));

it('lanes are independent: a long report in one delays no other', async () => {
  const slow = { input_data: 'x', iterations: 1_000_000, callback_url: null, lane: 'slow' };
  await submitAsync(daybook.url, 10, () => slow, 1);
  await submitAsync(daybook.url, 5, () => ({ num_transactions: 1, callback_url: null, lane: 'quick' }), 1);
  await eventually(async () => {
    const quick = await laneHistory(daybook.databaseUrl!, 'quick');
    return quick.length === 5 && quick.every(({ status }) => status === 'COMPLETED');
  });
  const slowDone = (await laneHistory(daybook.databaseUrl!, 'slow')).filter(({ status }) => status === 'COMPLETED');
  expect(slowDone.length).toBeLessThan(10);
});
