import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parseCsv } from '../../../../test/reports/rfc4180.js';
import { SpoolFile } from '../../generation/spool-file.js';
import { acceptedAt, reportContext } from '../../../../test/support/report-context.js';
import transactions from './transactions.report.js';

const folder = mkdtempSync(join(tmpdir(), 'daybook-transactions-'));
afterAll(() => rmSync(folder, { recursive: true }));

let attempts = 0;

interface Summary {
  total_transactions: number;
  total_revenue: number;
  total_expenses: number;
  net_income: number;
  total_revenue_cents: number;
  total_expenses_cents: number;
  net_income_cents: number;
}

async function generate(params: object, requestId = '019aa000-0000-7000-8000-000000000001') {
  const fileId = `file-${++attempts}`;
  const path = join(folder, fileId);
  const fixed = await transactions.fixDefaults(transactions.params.parse(params), acceptedAt('2025-11-22T00:00:00Z'));
  const spool = new SpoolFile(path);
  const openFile = () => spool.openPart();
  const result = await transactions.generate(fixed, reportContext({ requestId, fileId, format: 'csv', openFile }));
  spool.close();
  const bytes = readFileSync(path);
  const lines = bytes.toString().split('\r\n');
  const head = lines.filter((line) => line.startsWith('#'));
  const [columns, ...rows] = parseCsv(lines.slice(head.length).join('\r\n'));
  return { result, summary: result.summary as Summary, bytes, head, columns, rows, fileId };
}

const cents = (amount: string | undefined): number => Number(amount?.replace('.', ''));

describe('transactions', () => {
  it.each([1, 50, 1_000, 50_000])(
    'has at most the estimated bytes with %d rows, and more than two thirds',
    async (rows) => {
      const params = { num_transactions: rows, report_name: 'x'.repeat(100) };
      const { bytes } = await generate(params);
      const estimate = transactions.expectedBytes({ ...params, as_of: '2025-11-22' });
      expect(bytes.length).toBeLessThanOrEqual(estimate);
      if (rows >= 50) expect(bytes.length).toBeGreaterThan((estimate * 2) / 3);
    },
  );

  it('gives the same bytes for the same parameters, whatever the request, the attempt and the day', async () => {
    const params = { num_transactions: 1_000, report_name: 'Golden', as_of: '2025-03-01' };
    const first = await generate(params);
    const second = await generate(params, '019aa000-0000-7000-8000-000000000002');
    expect(second.bytes.equals(first.bytes)).toBe(true);
    // Pinned: callers were promised these bytes.
    expect(createHash('sha256').update(first.bytes).digest('hex')).toBe(
      '2b7fcc077ee96e1dcfcb5579b949c318240d40e4efd71d8170f8832f282b4600',
    );
  });

  it.each([{ num_transactions: 51 }, { report_name: 'Other' }, { as_of: '2025-11-21' }])(
    'gives other rows for other parameters: %j',
    async (change) => {
      const base = { num_transactions: 50, report_name: 'Base', as_of: '2025-11-22' };
      expect((await generate({ ...base, ...change })).rows.slice(0, 50)).not.toEqual((await generate(base)).rows);
    },
  );

  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [50, 30],
    [1_001, 601],
  ])('draws exactly 60%% of %d rows as revenue: %d', async (num_transactions, revenue) => {
    const { rows } = await generate({ num_transactions });
    expect(rows.filter(([, , type]) => type === 'Revenue')).toHaveLength(revenue);
    expect(rows).toHaveLength(num_transactions);
  });

  it('keeps amounts, days and categories in their bounds and uses them all', async () => {
    const { rows, columns } = await generate({ num_transactions: 5_000, as_of: '2024-03-01' });
    expect(columns).toEqual(['Transaction ID', 'Date', 'Type', 'Category', 'Description', 'Amount']);
    for (const [, , type, , , amount] of rows) {
      expect(amount).toMatch(/^\d+\.\d\d$/);
      const [min, max] = type === 'Revenue' ? [500_000, 5_000_000] : [50_000, 1_500_000];
      expect(cents(amount)).toBeGreaterThanOrEqual(min);
      expect(cents(amount)).toBeLessThanOrEqual(max);
    }
    const days = [...new Set(rows.map(([, day]) => String(day)))].sort();
    expect([days.length, days[0], days[29]]).toEqual([30, '2024-01-31', '2024-02-29']);
    expect([...new Set(rows.map((row) => `${row[2]} ${row[3]}`))].sort()).toEqual([
      'Expense Marketing',
      'Expense Office Supplies',
      'Expense Payroll',
      'Expense Software',
      'Expense Travel',
      'Expense Utilities',
      'Revenue Consulting',
      'Revenue Interest Income',
      'Revenue Sales Income',
      'Revenue Service Fees',
    ]);
  });

  it('numbers the rows with five digits, and more when it must', async () => {
    const { rows } = await generate({ num_transactions: 100_001 });
    expect(rows[0]?.[0]).toBe('TXN-00001');
    expect(rows[99_999]?.[0]).toBe('TXN-100000');
    expect(new Set(rows.map(([id]) => id)).size).toBe(100_001);
  });

  it('adds up to its summary, in the answer and in the file', async () => {
    const { rows, summary, head } = await generate({ num_transactions: 777, report_name: 'Sum' });
    const total = (kind: string) => rows.reduce((sum, row) => sum + (row[2] === kind ? cents(row[5]) : 0), 0);
    const net = total('Revenue') - total('Expense');
    expect(summary).toEqual({
      total_transactions: 777,
      total_revenue: total('Revenue') / 100,
      total_expenses: total('Expense') / 100,
      net_income: net / 100,
      total_revenue_cents: total('Revenue'),
      total_expenses_cents: total('Expense'),
      net_income_cents: net,
    });
    expect(head).toEqual([
      '# Report: Sum',
      '# As of: 2025-11-22',
      '# Total transactions: 777',
      `# Total revenue: ${summary.total_revenue.toFixed(2)}`,
      `# Total expenses: ${summary.total_expenses.toFixed(2)}`,
      `# Net income: ${summary.net_income.toFixed(2)}`,
    ]);
  });

  it('describes the generated file', async () => {
    const { result, bytes, fileId } = await generate({ num_transactions: 3, report_name: 'Q1   and  Q2' }, 'the-id');
    expect(result).toEqual({
      report_name: 'Q1   and  Q2',
      file_id: fileId,
      file_name: 'Q1_and_Q2_the-id.csv',
      file_size_bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      row_count: 3,
      download_url: '/api/reports/Q1_and_Q2_the-id.csv',
      summary: expect.anything(),
      processing_time_ms: expect.any(Number),
    });
  });

  it.each(['..', '.hidden', '-rf', ' '])('turns the name %j into one harmless path segment', async (report_name) => {
    const { result } = await generate({ num_transactions: 1, report_name }, 'the-id');
    expect(result.file_name).toBe(`${report_name.replace(' ', '_')}_the-id.csv`);
    const { pathname } = new URL(String(result.download_url), 'http://daybook');
    expect(pathname).toBe(`/api/reports/${String(result.file_name)}`);
  });

  it('fixes the day of the request when the caller names none', () => {
    const params = transactions.params.parse({});
    expect(params).toEqual({ num_transactions: 50, report_name: 'Monthly_Report' });
    expect(transactions.fixDefaults(params, acceptedAt('2025-11-22T00:00:00Z'))).toMatchObject({ as_of: '2025-11-22' });
    expect(transactions.fixDefaults({ as_of: '2020-01-01' }, acceptedAt('2025-11-22T00:00:00Z'))).toEqual({
      as_of: '2020-01-01',
    });
  });

  it.each(['1899-12-31', '2025-02-29', '2025-1-1', 'today', '3000-01-01'])('refuses the day %s', (as_of) => {
    expect(transactions.params.safeParse({ as_of }).success).toBe(false);
  });
});
