import { z } from 'zod';
import type { Sql } from '../../platform/database/sql.js';
import {
  type Acceptance,
  describeFile,
  ParamsRefused,
  type ReportContext,
  type ReportDefinition,
  type ReportResult,
} from '../../reports/define-report.js';
import { instantsOf, intervalParams } from '../../reports/query/interval.js';
import type { QueryColumns } from '../../reports/query/query-columns.js';
import { QUERY_FORMATS, writeRows } from '../../reports/query/write-rows.js';
import { currency } from '../currency.js';
import { hasLastEntry, lastRecordedAt } from './last-entry.store.js';
import type { Selection } from './selection.js';

/** The parameters of every report over the books. */
const COMMON = {
  ...intervalParams,
  currency: currency.optional().describe('Only this currency (ISO 4217); by default all'),
  through_entry: z
    .int()
    .min(0)
    .optional()
    .describe('Number of the last journal entry that counts; by default the newest one when the request is accepted'),
};

type Common = z.output<z.ZodObject<typeof COMMON>> & { columns?: string[] | undefined };
/** As recorded with the request: the report means the same whenever it runs. */
type Recorded = Common & { through_entry: number };
type Own<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

function columnsParam(names: readonly string[]) {
  return z
    .array(z.enum(names))
    .min(1)
    .max(names.length)
    .refine((columns) => new Set(columns).size === columns.length, 'must not name a column twice')
    .optional()
    .describe('The columns of the file and their order; by default all');
}

interface BooksRecipe<Shape extends z.ZodRawShape> {
  /** The name that callers use; kebab-case. */
  type: string;
  title: string;
  /** Parameters besides those that every report over the books has. */
  params?: Shape;
  /** Checks parameters against the account's data when the request is accepted. @throws ParamsRefused */
  check?(params: Own<Shape>, on: Acceptance): Promise<void>;
  /** Each with its value in SQL. Amounts are in minor units. */
  columns: QueryColumns;
  /**
   * `FROM …` with everything behind it but the order. It reads posted entries and what they fixed, and nothing else: the
   * same entries give the same bytes, whatever changes later.
   */
  rows(selection: Selection, params: Own<Shape>): Sql;
  /** A total order of the rows, in SQL. Text needs `COLLATE "C"`: the order of a database's own collation can change. */
  orderBy: string;
  /** A query of the control totals. Amounts are integers of minor units, in fields that end in `_cents`. */
  totals(selection: Selection, params: Own<Shape>): Sql;
}

/** Bytes of a usual row, to reserve storage by. */
const BYTES_PER_ENTRY = 200;
/** Most entries are usually outside the interval, so no more is reserved. A larger file fails when the account has no room. */
const MAX_RESERVED_BYTES = 16 * 1024 * 1024;

/**
 * Defines a report type over the books: the default export of a `*.report.ts` file. `through_entry` is recorded with the
 * request. Entries never change, so running the report again gives the same bytes.
 */
export function defineBooksReport<Shape extends z.ZodRawShape = z.ZodRawShape>(
  recipe: BooksRecipe<Shape>,
): ReportDefinition {
  const columns = Object.keys(recipe.columns);
  const fields: z.ZodRawShape = { ...recipe.params, ...COMMON, columns: columnsParam(columns) };
  const params = z.strictObject(fields).refine((given) => isInterval(given as Common), {
    path: ['to'],
    message: 'must be after from',
    // Also with other issues, but not before both can be read.
    when: ({ value }) => z.object(intervalParams).safeParse(value).success,
  });
  const { type, title } = recipe;
  return {
    type,
    title,
    params,
    columns,
    formats: QUERY_FORMATS,
    compresses: true,
    isOfJournal: true,
    fixDefaults: (given, on) => fix(recipe, given as Common & Own<Shape>, on),
    expectedMs: () => Number.POSITIVE_INFINITY,
    expectedBytes: (given) =>
      Math.min(MAX_RESERVED_BYTES, BYTES_PER_ENTRY * (1 + ((given as Common).through_entry ?? 0))),
    generate: (given, context) => generate(recipe, given as Recorded & Own<Shape>, context),
  };
}

function isInterval(given: Common): boolean {
  const { from, to } = instantsOf(given);
  return from < to;
}

async function fix<Shape extends z.ZodRawShape>(
  recipe: BooksRecipe<Shape>,
  given: Common & Own<Shape>,
  on: Acceptance,
): Promise<Recorded> {
  if (instantsOf(given).to > on.at)
    throw new ParamsRefused('to', `must not be after the time of the request, ${on.at.toISOString()}`);
  const newest = await on.entries.newest(on.account);
  const { through_entry = newest } = given;
  if (through_entry > newest)
    throw new ParamsRefused('through_entry', `must not be after the newest entry, which is ${newest}`);
  await recipe.check?.(given, on);
  return { ...given, through_entry };
}

async function generate<Shape extends z.ZodRawShape>(
  recipe: BooksRecipe<Shape>,
  params: Recorded & Own<Shape>,
  context: ReportContext,
): Promise<ReportResult> {
  const startedAt = performance.now();
  const { through_entry } = params;
  const { account } = context;
  const selection: Selection = {
    account,
    ...instantsOf(params),
    throughEntry: through_entry,
    currency: params.currency,
  };
  const names = params.columns ?? Object.keys(recipe.columns);
  const columns = names.map((name) => ({ name, ...recipe.columns[name]! }));
  const snapshot = await context.openSnapshot((opened) => hasLastEntry(opened, selection));
  try {
    const query = { columns, rows: recipe.rows(selection, params), orderBy: recipe.orderBy };
    const file = context.openFile();
    const row_count = await writeRows(snapshot, query, context.format, (bytes) => file.write(bytes));
    const totals = await snapshot.jsonRows(recipe.totals(selection, params));
    return {
      ...describeFile(recipe.type, file.finish(), context),
      row_count,
      columns: names,
      totals,
      data_as_of: await lastRecordedAt(snapshot, selection),
      through_entry,
      processing_time_ms: Math.round(performance.now() - startedAt),
    };
  } finally {
    await snapshot.close();
  }
}
