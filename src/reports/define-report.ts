import type { z } from 'zod';
import type { Column, Row } from './formats/columns.js';
import { CsvWriter } from './formats/csv.js';
import type { ReportFile } from './generation/report-file.js';
import type { PostedEntries } from './posted-entries.js';
import type { IsCurrent, Snapshot } from '../platform/database/snapshot.js';

/** The result of a report. It becomes part of the response and of the callback, so its keys are snake_case. */
export type ReportResult = Record<string, unknown>;

/** The circumstances in which a request is accepted. */
export interface Acceptance {
  at: Date;
  /** The `account_id` of the caller in tables that need one. */
  account: string;
  /** The journal of the account. */
  entries: PostedEntries;
}

/** A parameter does not fit the time of the request or the account's data. */
export class ParamsRefused extends Error {
  /** @param parameter Its name. @param rule What it must be, for the caller. */
  constructor(
    readonly parameter: string,
    readonly rule: string,
  ) {
    super(`${parameter}: ${rule}`);
  }
}

/** One generated table. */
export interface Table<Columns extends readonly Column[]> {
  /** `# name: value` lines above the column names. */
  head?: Readonly<Record<string, string | number>>;
  /** Read once, from first to last. */
  rows: Iterable<Row<Columns>>;
  /** The totals, in the result's `summary`. Called after the last row. */
  summary: () => object;
}

interface Recipe<Params extends z.ZodObject, Fixed extends object> {
  /** The name that callers use; kebab-case. */
  type: string;
  title: string;
  /** Strict, with every field described: the schema validates requests, types the recipe and documents the API. */
  params: Params;
  /** Fills in parameters that depend on the moment of the request. The outcome is recorded with the request. */
  fixDefaults?(params: z.output<Params>, on: Acceptance): Fixed;
  /**
   * Roughly how long a report takes, in milliseconds of processor time. Consecutive short reports of a lane are generated
   * together, which saves most of their cost. Without it, each is generated alone.
   */
  expectedMs?(params: Fixed): number;
}

/** A report with a file: a table of rows. */
interface TableRecipe<
  Params extends z.ZodObject,
  Fixed extends object,
  Columns extends readonly Column[],
> extends Recipe<Params, Fixed> {
  columns: Columns;
  /** The report's name, which its file is called after: letters, digits, spaces and `_ . -`. By default the type. */
  reportName?(params: Fixed): string;
  /**
   * Roughly how many bytes the file has, rather too many than too few. A request reserves them of the storage of its account
   * until its file exists. A file that turns out larger than what the account has left fails.
   */
  expectedBytes(params: Fixed): number;
  /**
   * Returns the table. It runs in a worker thread, may block, and may run again after a crash.
   * @throws ReportFailed with a message for the caller; the message of any other error stays in the log.
   */
  table(params: Fixed): Table<Columns>;
}

/** A report without a file: the computed values are its result. */
interface ValueRecipe<Params extends z.ZodObject, Fixed extends object> extends Recipe<Params, Fixed> {
  /** Returns the result. The same rules apply as for `table`. */
  compute(params: Fixed): ReportResult | Promise<ReportResult>;
}

/** Properties of one attempt to generate a report. */
export interface ReportContext {
  requestId: string;
  /** The `account_id` of the caller in tables that need one. */
  account: string;
  /** New for every attempt, so that two attempts never write the same file. */
  fileId: string;
  format: string;
  /** Opens the report's only file. */
  openFile: () => ReportFile;
  /** Opens a state of the database to read, which the report closes. */
  openSnapshot: (isCurrent: IsCurrent) => Promise<Snapshot>;
}

/** A report type as the rest of the service sees it: its parameters have passed `params`, and their type is unknown. */
export interface ReportDefinition {
  readonly type: string;
  readonly title: string;
  readonly params: z.ZodObject;
  /** File extensions, the default first; `json` for a report without a file. */
  readonly formats: readonly [string, ...string[]];
  /** Names of the columns, for a report whose columns callers choose. */
  readonly columns?: readonly string[];
  /** Whether its file can be compressed. */
  readonly compresses?: boolean;
  /** Whether it reports what is in the journal of the account. */
  readonly isOfJournal?: boolean;
  /** @throws ParamsRefused */
  fixDefaults(params: object, on: Acceptance): object | Promise<object>;
  /** Milliseconds of processor time; Infinity when unknown. */
  expectedMs(params: object): number;
  /** Bytes of the file; 0 for a report without one. */
  expectedBytes(params: object): number;
  /** @throws ReportFailed with a message for the caller. */
  generate(params: object, context: ReportContext): ReportResult | Promise<ReportResult>;
}

/** Defines a report type: the default export of a `*.report.ts` file. */
export function defineReport<
  Params extends z.ZodObject,
  const Columns extends readonly Column[],
  Fixed extends object = z.output<Params>,
>(recipe: TableRecipe<Params, Fixed, Columns> | ValueRecipe<Params, Fixed>): ReportDefinition {
  const { type, title, params } = recipe;
  const fixDefaults = (given: z.output<Params>, on: Acceptance) => recipe.fixDefaults?.(given, on) ?? given;
  const expectedMs = (given: Fixed) => recipe.expectedMs?.(given) ?? Number.POSITIVE_INFINITY;
  // From here on the type of the parameters is unknown: the catalogue holds reports of all kinds.
  const common = { type, title, params, fixDefaults, expectedMs };
  if ('compute' in recipe) {
    const generate = (given: Fixed) => recipe.compute(given);
    return { ...common, formats: ['json'], expectedBytes: () => 0, generate };
  }
  const expectedBytes = (given: Fixed) => Math.ceil(recipe.expectedBytes(given));
  const generate = (given: Fixed, context: ReportContext) => generateTable(recipe, given, context);
  return { ...common, formats: ['csv'], expectedBytes, generate };
}

/** Writes the table's file and describes it. */
function generateTable<Fixed extends object, Columns extends readonly Column[]>(
  recipe: TableRecipe<z.ZodObject, Fixed, Columns>,
  params: Fixed,
  context: ReportContext,
): ReportResult {
  const startedAt = performance.now();
  const { head, rows, summary } = recipe.table(params);
  const file = context.openFile();
  const writer = new CsvWriter(recipe.columns, (bytes) => file.write(bytes));
  writer.head(head ?? {});
  let rowCount = 0;
  for (const row of rows) {
    writer.row(row);
    rowCount++;
  }
  writer.flush();
  return {
    ...describeFile(recipe.reportName?.(params) ?? recipe.type, file.finish(), context),
    row_count: rowCount,
    summary: summary(),
    processing_time_ms: Math.round(performance.now() - startedAt),
  };
}

/** The fields of a result that describe its file. @param name The report's name. */
export function describeFile(
  name: string,
  { sizeBytes, sha256 }: ReturnType<ReportFile['finish']>,
  { requestId, fileId, format }: ReportContext,
): ReportResult {
  const fileName = `${name.replace(/ +/g, '_')}_${requestId}.${format}`;
  return {
    report_name: name,
    file_id: fileId,
    file_name: fileName,
    file_size_bytes: sizeBytes,
    sha256,
    download_url: `/api/reports/${encodeURIComponent(fileName)}`,
  };
}
