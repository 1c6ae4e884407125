import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { job } from '../../test/jobs/lane-bench.js';
import type { ResultStore } from '../reports/storage/packs/result-store.js';
import type { StorageUsage } from '../requests/storage-usage/storage-usage.service.js';
import type { ReportsService } from '../reports/reports.service.js';
import type { CancellationsStore } from './cancellations.store.js';
import type { Job } from './job.js';
import { ReportGenerator, IsolationBusy } from './report-generator.js';

/** The requests whose report was begun, in order. `endNewest` ends the newest of them. */
let begun: string[];
let endNewest: () => void;
let generator: ReportGenerator;

beforeEach(() => {
  begun = [];
  const reports: Pick<ReportsService, 'expectedMs' | 'isCancellable' | 'generate'> = {
    expectedMs: () => 1,
    isCancellable: () => false,
    generate: async (_, orders) => {
      begun.push(...orders.map(({ requestId }) => requestId));
      await new Promise<void>((resolve) => (endNewest = resolve));
      return orders.map(() => ({ outcome: { result: '{}', fileKey: null, fileBytes: null }, tookMs: 1 }));
    },
  };
  const storage: Pick<StorageUsage, 'freeBytes' | 'add'> = { freeBytes: () => Infinity, add: () => undefined };
  generator = new ReportGenerator(
    reports as ReportsService,
    {} as ResultStore,
    storage as StorageUsage,
    {} as CancellationsStore,
  );
});

const suspect = (queuePosition: number, crashCount: number): Job => ({ ...job(queuePosition), crashCount });

describe('A request with a crash count', () => {
  it('runs alone: not while another such request runs, and not in a group', async () => {
    expect([generator.expectedMs(job(1)), generator.expectedMs(suspect(1, 1))]).toEqual([1, Infinity]);
    const first = generator.generate([suspect(1, 1)]);
    await expect(generator.generate([suspect(2, 1)])).rejects.toThrow(IsolationBusy);
    expect(begun).toEqual(['1']);
    endNewest();
    expect(await first).toMatchObject([{ error: null }]);
    const second = generator.generate([suspect(2, 2)]);
    endNewest();
    expect(await second).toMatchObject([{ error: null }]);
  });

  it('does not delay other requests', async () => {
    const first = generator.generate([suspect(1, 2)]);
    const endFirst = endNewest;
    const second = generator.generate([job(2)]);
    await nextTurn();
    expect(begun).toEqual(['1', '2']);
    endNewest();
    endFirst();
    expect(await Promise.all([first, second])).toMatchObject([[{ error: null }], [{ error: null }]]);
  });

  it('fails at a count of three, without being generated', async () => {
    const [report] = await generator.generate([suspect(1, 3)]);
    expect(report).toMatchObject({ result: null, error: 'Its worker process crashed three times while generating it' });
    expect(begun).toEqual([]);
  });
});
