import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { catalogue } from '../catalogue.js';
import { ReportFailed, type ReportContext } from '../define-report.js';
import { type FilePart, partKey } from '../storage/file-key.js';
import { SpoolFile } from './spool-file.js';
import { storageFault } from '../storage/storage-fault.js';

/** One report to make. It crosses to the worker thread, so it is plain data. */
export interface ReportTask {
  type: string;
  params: object;
  format: string;
  requestId: string;
  /** UUID of this attempt. */
  fileId: string;
}

/** Reports that are made in one go, one after the other. */
export interface ReportBatch {
  tasks: ReportTask[];
  /** Where their files go, if they have any. Its last segment is the file's key; of several reports each has a part. */
  filePath: string;
}

/** A report that was made. */
export interface ReportOutcome {
  /** JSON: on its way between threads a text costs a fraction of what an object does. */
  result: string;
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

export type ReportAnswer = ({ outcome: ReportOutcome } | { failure: ReportFailure }) & {
  /** How long it was being made. */
  tookMs: number;
};

/** What nice(1) gives to work in the background: answers, callbacks and Postgres go first, and reports get the rest. */
const NICENESS = 10;

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

/** Makes reports: what a thread of `ReportPool` runs. Never throws, so that whatever happens keeps its meaning. */
export default async function generate({ tasks, filePath }: ReportBatch): Promise<ReportAnswer[]> {
  const spool = new SpoolFile(filePath);
  const fileKey = basename(filePath);
  const answers: ReportAnswer[] = [];
  for (const task of tasks) {
    const startedMs = performance.now();
    const answer = await generateOne(task, spool, (part) => (tasks.length === 1 ? fileKey : partKey(fileKey, part)));
    answers.push({ ...answer, tookMs: performance.now() - startedMs });
  }
  try {
    spool.close();
    return answers;
  } catch (error) {
    // What could not be written may be of any of them.
    const failure = failureOf(error);
    return answers.map(({ tookMs }) => ({ failure, tookMs }));
  }
}

async function generateOne(
  { type, params, format, requestId, fileId }: ReportTask,
  spool: SpoolFile,
  keyOf: (part: FilePart) => string,
): Promise<{ outcome: ReportOutcome } | { failure: ReportFailure }> {
  try {
    const definition = catalogue.get(type);
    if (!definition) throw new ReportFailed(`There is no report type "${type}" any more`);
    const context: ReportContext = { requestId, fileId, format, openFile: () => spool.openPart() };
    const result = JSON.stringify(await definition.generate(params, context));
    const part = spool.endPart();
    return { outcome: { result, fileKey: part && keyOf(part) } };
  } catch (error) {
    spool.dropPart();
    return { failure: failureOf(error) };
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
