import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { catalogue } from './catalogue.js';
import { ReportFailed, type ReportContext, type ReportResult } from './define-report.js';
import { ReportFile } from './report-file.js';
import { storageFault } from './storage-fault.js';

/** One report to make. It crosses to the worker thread, so it is plain data. */
export interface ReportTask {
  type: string;
  params: object;
  format: string;
  requestId: string;
  /** UUID of this attempt. */
  fileId: string;
  /** Where this attempt's file goes, if the report has one. Its last segment is the file's key. */
  filePath: string;
}

/** A report that was made. */
export interface ReportOutcome {
  result: ReportResult;
  fileKey: string | null;
}

/** Why there is no report. An error would lose its class on the way to the main thread, so this goes instead. */
export interface ReportFailure {
  blame: 'report' | 'storage';
  /** For the caller. */
  message: string;
  /** For the log; absent when the message says it all. */
  detail?: string;
}

export type ReportAnswer = { outcome: ReportOutcome } | { failure: ReportFailure };

/** Far enough below the event loop's 0 that health checks stay quick while every thread is busy. */
const NICENESS = 3;

/** On Linux a priority belongs to the thread that sets it; elsewhere this would slow the whole process down. */
function yieldToEventLoop(): void {
  if (isMainThread || process.platform !== 'linux') return;
  try {
    setPriority(0, NICENESS);
  } catch {
    // A sandbox may forbid it; the reports are the same.
  }
}

yieldToEventLoop();

/** Makes one report: what a thread of `ReportPool` runs. Never throws, so that whatever happens keeps its meaning. */
export default async function generate(task: ReportTask): Promise<ReportAnswer> {
  const files: ReportFile[] = [];
  const openFile = (): ReportFile => {
    const file = new ReportFile(task.filePath);
    files.push(file);
    return file;
  };
  try {
    const definition = catalogue.get(task.type);
    if (!definition) throw new ReportFailed(`There is no report type "${task.type}" any more`);
    const { requestId, fileId, format } = task;
    const context: ReportContext = { requestId, fileId, format, openFile };
    const result = await definition.build(task.params, context);
    return { outcome: { result, fileKey: files.length > 0 ? basename(task.filePath) : null } };
  } catch (error) {
    return { failure: failureOf(error) };
  } finally {
    for (const file of files) file.close();
  }
}

/** Tells a caller only what a report type meant to say: any other message may hold paths, SQL or data. */
function failureOf(error: unknown): ReportFailure {
  if (error instanceof ReportFailed) return { blame: 'report', message: error.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const fault = storageFault(error);
  if (fault !== null) return { blame: 'storage', message: fault, detail };
  return { blame: 'report', message: 'The report could not be made: an unexpected error. It has been logged.', detail };
}
