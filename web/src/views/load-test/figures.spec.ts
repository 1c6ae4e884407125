import { expect, it } from 'vitest';
import { changeOf, csvOf, linesOf, loadOf, measuresOf, speedupOf } from './figures';

const answers = {
  total_requests: 10,
  successful: 9,
  failed: 1,
  avg_latency_ms: 100,
  min_latency_ms: 50,
  max_latency_ms: 400,
  p50_ms: 90,
  p95_ms: 300,
  p99_ms: 390,
};
const sync = { mode: 'sync' as const, ...answers };
const async = {
  mode: 'async' as const,
  ...answers,
  avg_latency_ms: 10,
  callbacks_received: 9,
  avg_callback_ms: 500,
  p50_callback_ms: 480,
  p95_callback_ms: 900,
  p99_callback_ms: 950,
  fifo_inversions: 0,
  duplicates: 0,
  lost: 2,
};
const both = {
  sync,
  async,
  speedup: 10,
  config: { concurrency: 2, num_requests: 10, num_transactions: 5 },
  test_duration_ms: 9,
};
const slice = (at_s: number, p50_ms: number) => ({ at_s, count: 3, p50_ms, p99_ms: p50_ms * 2, max_ms: p50_ms * 3 });

it('a run of both modes has three latencies and a speed-up', () => {
  expect(measuresOf({ result: both }).map(({ key, count, failed, avg }) => [key, count, failed, avg])).toEqual([
    ['sync', 9, 1, 100],
    ['accept', 9, 1, 10],
    ['callback', 9, 2, 500],
  ]);
  expect(speedupOf({ result: both })).toBe(10);
});

it.each([
  [sync, ['sync']],
  [async, ['accept', 'callback']],
  [null, []],
])('a run of one mode, or without a result, has no speed-up', (result, keys) => {
  expect(measuresOf({ result }).map(({ key }) => key)).toEqual(keys);
  expect(speedupOf({ result })).toBeNull();
});

it('the lines of measures of different lengths share their times', () => {
  const { times, lines } = linesOf({ sync: [slice(0, 10), slice(0.2, 20)], accept: [slice(0.1, 1)], callback: [] });
  expect(times).toEqual([0, 0.1, 0.2]);
  expect(lines.map(({ key, statistic, values }) => [key, statistic, values])).toEqual([
    ['sync', 'p50', [10, null, 20]],
    ['sync', 'p99', [20, null, 40]],
    ['accept', 'p50', [null, 1, null]],
    ['accept', 'p99', [null, 2, null]],
  ]);
});

it('the CSV has a line for each measure and each slice, with as many cells as its head', () => {
  const csv = csvOf({ result: both, over_time: { sync: [slice(0, 10)], accept: null, callback: null } });
  const lines = csv.trimEnd().split('\n');
  expect(lines).toEqual([
    'measure,slice_start_s,count,avg_ms,min_ms,p50_ms,p95_ms,p99_ms,max_ms',
    'sync,,9,100,50,90,300,390,400',
    'accept,,9,10,50,90,300,390,400',
    'callback,,9,500,,480,900,950,',
    'sync,0,3,,,10,,20,30',
  ]);
});

it.each([
  [100, 150, 50],
  [100, 50, -50],
  [0, 50, null],
  [null, 50, null],
  [100, null, null],
])('from %j to %j the change is %j percent', (before, now, change) => {
  expect(changeOf(before, now)).toBe(change);
});

it.each([
  [
    { report: 'transactions', num_transactions: 50, concurrency: 1, num_requests: 9 },
    '50 transactions, 9 requests by 1 client',
  ],
  [
    { report: 'digest', iterations: 10, rate: 5, duration_seconds: 2, ramp_seconds: 1 },
    'digest of 10 rounds, 5 a second for 2 s, rising over 1 s',
  ],
])('the load is said in words', (settings, text) => {
  expect(loadOf(settings)).toBe(text);
});
