import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { job } from '../../test/jobs/lane-bench.js';
import type { FileStore } from '../reports/storage/file-store.js';
import type { ReportsService } from '../reports/reports.service.js';
import type { Job } from './job.js';
import { ReportGenerator, SuspectWaits } from './report-generator.js';

/** Requests whose report was begun, and how to end the newest. */
let begun: string[];
let endNewest: () => void;
let maker: ReportGenerator;

beforeEach(() => {
  begun = [];
  const reports: Pick<ReportsService, 'expectedMs' | 'generate'> = {
    expectedMs: () => 1,
    generate: async (_, orders) => {
      begun.push(...orders.map(({ requestId }) => requestId));
      await new Promise<void>((resolve) => (endNewest = resolve));
      return orders.map(() => ({ outcome: { result: '{}', fileKey: null }, tookMs: 1 }));
    },
  };
  maker = new ReportGenerator(reports as ReportsService, {} as FileStore);
});

const suspect = (queuePosition: number, crashCount: number): Job => ({ ...job(queuePosition), crashCount });

describe('A request that a process has died of', () => {
  it('is made alone: nothing else of its kind meanwhile, and not in one go with others', async () => {
    expect([maker.expectedMs(job(1)), maker.expectedMs(suspect(1, 1))]).toEqual([1, Infinity]);
    const first = maker.make([suspect(1, 1)]);
    await expect(maker.make([suspect(2, 1)])).rejects.toThrow(SuspectWaits);
    expect(begun).toEqual(['1']);
    endNewest();
    expect(await first).toMatchObject([{ error: null }]);
    const second = maker.make([suspect(2, 2)]);
    endNewest();
    expect(await second).toMatchObject([{ error: null }]);
  });

  it('holds up nobody who is not suspect', async () => {
    const first = maker.make([suspect(1, 2)]);
    const endFirst = endNewest;
    const second = maker.make([job(2)]);
    await nextTurn();
    expect(begun).toEqual(['1', '2']);
    endNewest();
    endFirst();
    expect(await Promise.all([first, second])).toMatchObject([[{ error: null }], [{ error: null }]]);
  });

  it('fails when it was three, without being made', async () => {
    const [made] = await maker.make([suspect(1, 3)]);
    expect(made).toMatchObject({ result: null, error: 'Its worker process died three times while making it' });
    expect(begun).toEqual([]);
  });
});
