import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DaybookError } from '../../platform/errors.js';
import type { ReportResult } from '../define-report.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';
import { ReportFailed } from '../report-failed.js';
import { packHeaderBytes, packOffsets } from '../storage/packs/pack-format.js';
import { StorageUnavailable } from '../storage/object-storage.js';
import { PoolClosed, PoolFull, type ReportBatch, ReportPool } from './report-pool.js';
import type { ReportPoolOptions } from './report-pool.js';

const FAULTY = new URL('../../../test/reports/faulty.worker.js', import.meta.url);

let folder: string;
const pools: ReportPool[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-pool-'));
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  rmSync(folder, { recursive: true });
});

function poolOf(options: Partial<ReportPoolOptions> = {}): ReportPool {
  const pool = new ReportPool({ threads: 1, timeoutMs: 60_000, maxQueue: 10, ...options });
  pools.push(pool);
  return pool;
}

/** A batch of reports of these types. */
function batch(types: string[], params: object = {}): ReportBatch {
  const fileId = randomUUID();
  const tasks = types.map((type) => ({
    type,
    params,
    format: 'csv',
    requestId: 'the-id',
    account: OPEN_INSTALLATION,
    fileId,
  }));
  return { tasks, filePath: join(folder, `${fileId}.csv`) };
}

const task = (type: string, params: object = {}): ReportBatch => batch([type], params);

/** Generates one report. */
async function run(pool: ReportPool, given: ReportBatch): Promise<{ result: ReportResult; fileKey: string | null }> {
  const [generated] = await pool.run(given);
  if ('error' in generated!) throw generated.error;
  const { result, fileKey } = generated!.outcome;
  return { result: JSON.parse(result) as ReportResult, fileKey };
}

/** Holds every `wait` report in its thread until it is opened. */
function gate() {
  const shared = new SharedArrayBuffer(4);
  const flag = new Int32Array(shared);
  const open = (): void => {
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  return { params: { gate: shared }, open };
}

describe('ReportPool with the real worker', () => {
  it('generates a report with a file', async () => {
    const order = task('transactions', { num_transactions: 50, report_name: 'Q1', as_of: '2025-11-22' });
    const { result, fileKey } = await run(poolOf(), order);
    const { fileId } = order.tasks[0]!;
    expect(result).toMatchObject({ file_id: fileId, file_name: 'Q1_the-id.csv', row_count: 50 });
    expect(fileKey).toBe(`${fileId}.csv`);
    expect(readFileSync(order.filePath)).toHaveLength(Number(result.file_size_bytes));
  });

  it('generates several reports together, with their files in one pack', async () => {
    const params = { num_transactions: 1, report_name: 'Q1', as_of: '2025-11-22' };
    const together = batch(['transactions', 'gone', 'digest', 'transactions'], params);
    together.tasks[2]!.params = { input_data: 'abc', iterations: 1 };
    const [first, gone, digest, last] = await poolOf().run(together);
    expect(gone).toMatchObject({ error: expect.any(ReportFailed) });
    expect(digest).toMatchObject({ outcome: { fileKey: null } });
    const bytes = readFileSync(together.filePath);
    const key = basename(together.filePath);
    const start = packHeaderBytes(4);
    const size = (bytes.length - start) / 2;
    expect(first).toMatchObject({ outcome: { fileKey: `${key}+${start}+${size}` }, tookMs: expect.any(Number) });
    expect(last).toMatchObject({ outcome: { fileKey: `${key}+${start + size}+${size}` } });
    expect(bytes.subarray(start, start + size).equals(bytes.subarray(start + size))).toBe(true);
    expect(packOffsets(bytes)).toEqual([start, start + size]);
  });

  it('generates a report without a file', async () => {
    const { result, fileKey } = await run(poolOf(), task('digest', { input_data: 'abc', iterations: 1 }));
    expect(result.result).toMatch(/^ba7816bf/);
    expect(fileKey).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the message of an unexpected error from the caller and gives it to the log', async () => {
    const failing = run(poolOf(), task('transactions', { num_transactions: -1, report_name: '', as_of: '2025-11-22' }));
    await expect(failing).rejects.toThrow(ReportFailed);
    await expect(failing).rejects.toMatchObject({
      message: 'The report could not be generated: an unexpected error. It has been logged.',
      cause: expect.stringContaining('Invalid typed array length'),
    });
  });

  it('fails a report of a type that is no more', async () => {
    await expect(run(poolOf(), task('gone'))).rejects.toThrow(
      new ReportFailed('The report type "gone" no longer exists'),
    );
  });

  it('does not blame the report for the storage', async () => {
    const params = { num_transactions: 1, report_name: 'Q1', as_of: '2025-11-22' };
    const lost = { ...task('transactions', params), filePath: join(folder, 'no', 'file.csv') };
    await expect(run(poolOf(), lost)).rejects.toThrow(StorageUnavailable);
  });

  // Only Linux has a priority for each thread.
  if (process.platform === 'linux') {
    it('gives way to the event loop: only its threads are nice', async () => {
      await poolOf().run(task('digest', { input_data: 'abc', iterations: 1 }));
      const niceness = (thread: string): number => {
        // proc(5): the 19th field; the 2nd is the name in brackets, which may hold spaces.
        const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      };
      const own = niceness(String(process.pid));
      const others = readdirSync('/proc/self/task').map(niceness);
      expect(others).toContain(10);
      expect(own).not.toBe(10);
      expect(others.filter((nice) => nice !== own && nice !== 10)).toEqual([]);
    });
  }
});

describe('ReportPool', () => {
  it('refuses batches beyond its threads and its queue, and accepts more when there is room', async () => {
    const pool = poolOf({ threads: 1, maxQueue: 1, workerFile: FAULTY });
    const { params, open } = gate();
    const taken = [pool.run(task('wait', params)), pool.run(task('queued'))];
    expect(pool.isFull).toBe(true);
    await expect(pool.run(task('refused'))).rejects.toThrow(PoolFull);
    open();
    await Promise.all(taken);
    expect(pool.isFull).toBe(false);
    expect((await run(pool, task('again'))).result).toEqual({ type: 'again' });
  });

  it.each([1, 2, 3])('runs waiting batches first in, first out, with %d threads', async (threads) => {
    const pool = poolOf({ threads, maxQueue: 100, workerFile: FAULTY });
    const gates = Array.from({ length: threads }, gate);
    const busy = gates.map(({ params }) => pool.run(task('wait', params)));
    const made: number[] = [];
    const queued = Array.from({ length: 20 }, (_, n) => pool.run(task('queued')).then(() => made.push(n)));
    // One thread alone, so that none overtakes another.
    gates[0]!.open();
    await Promise.all(queued);
    expect(made).toEqual(made.toSorted((a, b) => a - b));
    for (const { open } of gates) open();
    await Promise.all(busy);
  });

  it('ends the wait of a report whose time is up', async () => {
    const pool = poolOf({ workerFile: FAULTY, timeoutMs: 500 });
    const { params, open } = gate();
    const ends = ['wait', 'queued'].map((type) => pool.run(task(type, params)).catch((error: unknown) => error));
    for (const end of ends)
      expect(await end).toEqual(new ReportFailed('The report took longer than 0.5 s and was ended'));
    open();
    expect((await run(pool, task('next'))).result).toEqual({ type: 'next' });
  });

  it.each([1, 2])('lets a thread that dies fail its own report only, with %d threads', async (threads) => {
    const pool = poolOf({ threads, workerFile: FAULTY });
    const types = ['a', 'die', 'b', 'die', 'die', 'c'];
    const settled = await Promise.allSettled(types.map((type) => run(pool, task(type))));
    for (const [index, type] of types.entries()) {
      const died = { status: 'rejected', reason: expect.any(ReportFailed) };
      expect(settled[index]).toMatchObject(
        type === 'die' ? died : { status: 'fulfilled', value: { result: { type } } },
      );
    }
    expect((await run(pool, task('after'))).result).toEqual({ type: 'after' });
  });

  it('distinguishes a report that the shutdown interrupts from a failed one', async () => {
    const pool = poolOf({ workerFile: FAULTY });
    const cutOff = [pool.run(task('wait', gate().params)), pool.run(task('queued'))];
    const settled = Promise.allSettled(cutOff);
    await pool.close();
    await settled;
    for (const report of cutOff) await expect(report).rejects.toThrow(PoolClosed);
    await expect(pool.run(task('late'))).rejects.toThrow(PoolClosed);
  });

  it('leaves no report waiting for threads that do not start, and recovers when they do', async () => {
    Logger.overrideLogger(false);
    const workerFile = pathToFileURL(join(folder, 'late.worker.mjs'));
    const pool = poolOf({ workerFile });
    const early = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((type) => pool.run(task(type))));
    const refused = early.map((report) => report.status === 'rejected' && (report.reason as DaybookError).code);
    // Only what was in hand may be to blame; the others are made later.
    expect(refused).toEqual(['report-failed', ...Array.from({ length: 4 }, () => 'pool-closed')]);
    copyFileSync(FAULTY, workerFile);
    expect((await run(pool, task('late'))).result).toEqual({ type: 'late' });
  });

  it('ends the thread of a report at its timeout: it fails with the reason, and the next one is generated', async () => {
    const pool = poolOf({ workerFile: FAULTY, timeoutMs: 1_000 });
    const { params } = gate();
    await expect(pool.run(task('wait', params))).rejects.toThrow(
      new ReportFailed('The report took longer than 1 s and was ended'),
    );
    expect((await run(pool, task('next'))).result).toEqual({ type: 'next' });
  });
});
