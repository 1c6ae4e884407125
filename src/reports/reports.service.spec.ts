import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskStorage } from './storage/disk.storage.js';
import { ResultStore } from './storage/packs/result-store.js';
import { Spool } from './storage/packs/spool.js';
import { ReportFailed } from './report-failed.js';
import { type Generated, PoolClosed, type ReportOutcome, ReportPool } from './generation/report-pool.js';
import { NoEntries } from '../../test/support/report-context.js';
import { OPEN_INSTALLATION } from '../platform/tenant.js';
import { ReportsService } from './reports.service.js';

const FAULTY = new URL('../../test/reports/faulty.worker.js', import.meta.url);

let folder: string;
let files: ResultStore;
let reports: ReportsService;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-reports-'));
  const spool = new Spool(join(folder, 'spool'));
  files = new ResultStore(new DiskStorage(join(folder, 'results')), spool);
  const sync = new ReportPool({ threads: 1, timeoutMs: 60_000, maxQueue: 1 });
  const async = new ReportPool({ threads: 1, timeoutMs: 60_000, maxQueue: 1, workerFile: FAULTY });
  reports = new ReportsService({ sync, async }, spool, new NoEntries());
});
afterEach(async () => {
  await reports.onApplicationShutdown();
  rmSync(folder, { recursive: true });
});

function outcomeOf(generated: Generated): ReportOutcome {
  if ('error' in generated) throw generated.error;
  return generated.outcome;
}

describe('ReportsService', () => {
  it('spools a file, which becomes a result when it is committed', async () => {
    const params = await reports.fixDefaults(
      'transactions',
      { num_transactions: 1, report_name: 'Q1' },
      reports.acceptance(null),
    );
    const order = { type: 'transactions', params, format: 'csv', requestId: 'id', account: OPEN_INSTALLATION };
    const { fileKey, result } = outcomeOf((await reports.generate('sync', [order], Infinity))[0]!);
    expect(await files.size(fileKey!)).toBeNull();
    await files.commit([fileKey!]);
    expect(await files.size(fileKey!)).toBe((JSON.parse(result) as { file_size_bytes: number }).file_size_bytes);
    expect(await text(files.open(fileKey!))).toContain('TXN-00001');
  });

  it('leaves nothing of a report that fails half-way', async () => {
    const order = { type: 'fail-half-way', params: {}, format: 'csv', requestId: 'id', account: OPEN_INSTALLATION };
    expect(await reports.generate('async', [order], Infinity)).toEqual([
      { error: new ReportFailed('Generating failed'), tookMs: 1 },
    ]);
    const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left).toEqual([]);
  });

  it('lets a report that ends its thread fail alone, and generates the others of its batch', async () => {
    Logger.overrideLogger(false);
    const orders = ['a', 'die', 'b'].map((type) => ({
      type,
      params: {},
      format: 'csv',
      requestId: 'id',
      account: OPEN_INSTALLATION,
    }));
    const [first, dead, last] = await reports.generate('async', orders, Infinity);
    expect([outcomeOf(first!).result, outcomeOf(last!).result]).toEqual(['{"type":"a"}', '{"type":"b"}']);
    expect(dead).toMatchObject({ error: new ReportFailed('The report could not be generated: its thread ended') });
  });

  it('records the UTC day of the request, and only where it matters', async () => {
    const lateInNewYork = new Date('2025-11-21T23:30:00-05:00');
    expect(
      await reports.fixDefaults('transactions', { num_transactions: 1 }, reports.acceptance(null, lateInNewYork)),
    ).toEqual({
      num_transactions: 1,
      as_of: '2025-11-22',
    });
    expect(await reports.fixDefaults('digest', { input_data: 'x' }, reports.acceptance(null, lateInNewYork))).toEqual({
      input_data: 'x',
    });
  });

  it('lists every type with the JSON Schema of its parameters', async () => {
    const types = await reports.listTypes(null);
    expect(types.map(({ type }) => type)).toEqual(expect.arrayContaining(['digest', 'transactions']));
    expect(types.find(({ type }) => type === 'transactions')).toMatchObject({
      title: expect.any(String),
      formats: ['csv'],
      // 50 transactions by default.
      columns: null,
      data_available_from: null,
      data_available_until: null,
      estimated_bytes: 512 + 50 * 72,
      params: {
        additionalProperties: false,
        properties: { num_transactions: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 50 } },
      },
    });
  });

  it('generates nothing after the shutdown', async () => {
    await reports.onApplicationShutdown();
    const order = {
      type: 'digest',
      params: { input_data: 'x', iterations: 1 },
      format: 'json',
      requestId: 'id',
      account: OPEN_INSTALLATION,
    };
    await expect(reports.generate('sync', [order], Infinity)).rejects.toThrow(PoolClosed);
  });
});
