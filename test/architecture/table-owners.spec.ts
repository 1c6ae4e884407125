/** A feature reads and writes only its own tables. The exceptions are in docs/architecture.md. */
import { describe, expect, it } from '@jest/globals';
import { literalsIn, serviceSources, sourcesIn } from '../support/source.js';

/** Tables by owner. Two features own `requests` together: jobs/ writes its state, requests/ reads and deletes. */
const OWNED: Record<string, string[]> = {
  accounts: ['accounts', 'api_keys', 'users', 'sessions', 'refresh_tokens', 'password_resets', 'token_secrets'],
  queue: ['queue_pauses'],
  requests: ['requests', 'idempotency_keys', 'actions', 'account_storage', 'account_storage_changes'],
  callbacks: [
    'callback_deliveries',
    'callback_destinations',
    'callback_disabled_urls',
    'callback_logs',
    'callback_queues',
    'callback_redeliveries',
    'callback_redelivery_paces',
    'callback_secrets',
  ],
  jobs: ['requests', 'lanes', 'cancelled_positions', 'reaped_lanes', 'workers'],
  mail: ['mail_messages', 'mail_attempts', 'mail_fan_outs'],
  books: [
    'customers',
    'customer_totals',
    'orders',
    'order_items',
    'order_imports',
    'order_import_errors',
    'closed_periods',
    'journal_counters',
    'journal_entries',
    'journal_lines',
    'journal_folds',
    'journal_totals',
    'journal_block_totals',
    'journal_day_totals',
    'journal_hour_totals',
  ],
  tickets: ['events', 'bookings'],
  schedules: ['schedules', 'schedule_runs'],
  benchmark: ['benchmark_runs'],
};

/**
 * Accepting and completing must each be one round trip and one transaction, so their statements write several tables.
 */
const EXCEPTIONS: Record<string, string[]> = {
  'src/jobs/accept/accept.store.ts': ['idempotency_keys'],
  'src/jobs/sql-fragments.store.ts': ['callback_deliveries', 'account_storage_changes'],
};

const NAMED = /\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE|ANALYZE)\s+(?:ONLY\s+)?"?([a-z_]+)/g;
const tablesNamed = (texts: string[]): Set<string> =>
  new Set(texts.flatMap((text) => [...text.matchAll(NAMED)].map(([, table]) => table!)));

const created = tablesNamed(
  sourcesIn('migrations')
    .flatMap(literalsIn)
    .filter((text) => text.includes('CREATE TABLE')),
);

describe('every table', () => {
  it('has an owner', () => {
    expect([...created].sort()).toEqual([...new Set(Object.values(OWNED).flat())].sort());
  });

  it('is read and written only by its owner', () => {
    const foreign = serviceSources().flatMap((source) => {
      const own = [...(OWNED[source.path.split('/')[1]!] ?? []), ...(EXCEPTIONS[source.path] ?? [])];
      const used = [...tablesNamed(literalsIn(source))].filter((table) => created.has(table));
      return used.filter((table) => !own.includes(table)).map((table) => `${source.path}: ${table}`);
    });
    expect(foreign).toEqual([]);
  });

  it('is mapped by an entity of its owner', () => {
    const mapped = serviceSources().flatMap(({ path, text }) =>
      [...text.matchAll(/^@Entity\('(\w+)'\)/gm)].map(([, table]) => ({ table: table!, owner: path.split('/')[1]! })),
    );
    expect(mapped.filter(({ table, owner }) => !OWNED[owner]?.includes(table))).toEqual([]);
  });
});

describe('each exception', () => {
  it.each(Object.entries(EXCEPTIONS))('in %s is still needed', (path, tables) => {
    const source = serviceSources().find((one) => one.path === path)!;
    const used = tablesNamed(literalsIn(source));
    expect(tables.filter((table) => !used.has(table))).toEqual([]);
  });
});
