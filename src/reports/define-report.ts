import type { z } from 'zod';
import { DaybookError } from '../platform/errors.js';
import type { ReportFile } from './generation/report-file.js';

/** What a report answers with; it becomes part of the response and of the callback, so its keys are snake_case. */
export type ReportResult = Record<string, unknown>;

/** What one run of `build` is told besides its parameters. */
export interface ReportContext {
  requestId: string;
  /** New for every attempt, so that two attempts at one request never write the same file. */
  fileId: string;
  format: string;
  /** Opens the report's one file. A report that never asks for it has none. */
  openFile(): ReportFile;
}

/** The calendar day (UTC, `YYYY-MM-DD`) on which a request is accepted. */
export interface AcceptedOn {
  today: string;
}

interface ReportSpec<Params extends z.ZodObject, Fixed extends object> {
  /** The name that callers use; kebab-case. */
  type: string;
  title: string;
  /** Strict, every field described: it validates the request, types `build` and documents the API. */
  params: Params;
  /** File extensions on offer, the default one first; `json` for a report that is its result and has no file. */
  formats: readonly [string, ...string[]];
  /** Fills in what would otherwise depend on the moment of the run; the outcome is recorded with the request. */
  fixDefaults?(params: z.output<Params>, on: AcceptedOn): Fixed;
  /**
   * About how long a report takes, in milliseconds of a processor. Short ones that stand next to each other in a lane are
   * made together: handing each to its thread alone would cost as much as making it. By default each is made alone.
   */
  expectedMs?(params: Fixed): number;
  /**
   * Makes the report. Runs in a worker thread, where it may block, and may run again after a crash.
   * @throws ReportFailed with a message for the caller; the message of any other error stays in the log.
   */
  build(params: Fixed, context: ReportContext): ReportResult | Promise<ReportResult>;
}

/** A report type as the rest of the program sees it: its parameters have passed `params` and nothing else is known. */
export interface ReportDefinition {
  readonly type: string;
  readonly title: string;
  readonly params: z.ZodObject;
  readonly formats: readonly [string, ...string[]];
  fixDefaults(params: object, on: AcceptedOn): object;
  expectedMs(params: object): number;
  build(params: object, context: ReportContext): ReportResult | Promise<ReportResult>;
}

/** A report that cannot be made, now or later. The message is shown to the caller; the cause is not. */
export class ReportFailed extends DaybookError {
  readonly code = 'report-failed';
}

/** Declares a report type: the default export of a file in `types/`. */
export function defineReport<Params extends z.ZodObject, Fixed extends object = z.output<Params>>(
  spec: ReportSpec<Params, Fixed>,
): ReportDefinition {
  // From here on nobody knows the parameters' type, only that they have passed `params`.
  return { fixDefaults: (params: object) => params, expectedMs: () => Number.POSITIVE_INFINITY, ...spec };
}
