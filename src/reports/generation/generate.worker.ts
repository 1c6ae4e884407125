import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { workerData } from 'piscina';
import { catalogue } from '../catalogue.js';
import type { ReportContext } from '../define-report.js';
import { ReportFailed } from '../report-failed.js';
import { packHeader, packHeaderBytes } from '../storage/packs/pack-format.js';
import { type PackEntry, packedKey } from '../storage/packs/result-key.js';
import type { ReportFile } from './report-file.js';
import { outageCause } from '../../platform/database/outage-cause.js';
import { type ReadingOptions, Snapshot } from '../../platform/database/snapshot.js';
import { SpoolFile } from './spool-file.js';
import { storageFault } from '../storage/storage-fault.js';

/** One report to generate. It is plain data because it crosses to the worker thread. */
export interface ReportTask {
  type: string;
  params: object;
  format: string;
  requestId: string;
  /** The `account_id` of the caller in tables that need one. */
  account: string;
  /** UUID of this attempt. */
  fileId: string;
}

/** Reports that one thread generates one after the other. */
export interface ReportBatch {
  tasks: ReportTask[];
  /** The spooled object, created when a report has a file. Its last segment is the object's key. */
  filePath: string;
  /** Limit of the bytes of all files together. Undefined: no limit. */
  maxBytes?: number;
}

/** A generated report. */
export interface ReportOutcome {
  /** JSON. Between threads a text costs a fraction of an object. */
  result: string;
  fileKey: string | null;
  /** Bytes of the file; null without one. */
  fileBytes: number | null;
}

/** The reason why there is no report. It replaces the error, which would lose its class between threads. */
export interface ReportFailure {
  blame: 'report' | 'storage' | 'database';
  /** For the caller. */
  message: string;
  /** For the log, if the message is not enough. */
  detail?: string;
}

export type ReportAnswer = ({ outcome: ReportOutcome } | { failure: ReportFailure }) & {
  /** The duration of the generation. */
  tookMs: number;
};

/** As nice(1) for background work: responses, callbacks and Postgres come before reports. */
const NICENESS = 10;

/** Only on Linux does a thread have a priority of its own; elsewhere this would slow the whole process down. */
function yieldToEventLoop(): void {
  if (isMainThread || process.platform !== 'linux') return;
  try {
    setPriority(0, NICENESS);
  } catch {
    // A sandbox may forbid it.
  }
}

yieldToEventLoop();

/**
 * Generates reports in a thread of `ReportPool`. Several reports share a pack; a single one has the file to itself. It never
 * throws, because an error would lose its class on the way to the main thread.
 */
export default async function generate({ tasks, filePath, maxBytes }: ReportBatch): Promise<ReportAnswer[]> {
  const isPack = tasks.length > 1;
  const object = basename(filePath);
  const spool = new SpoolFile(filePath, isPack ? packHeaderBytes(tasks.length) : 0);
  const entries: (PackEntry & { requestId: string })[] = [];
  const answers: ReportAnswer[] = [];
  let leftBytes = maxBytes ?? Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const startedMs = performance.now();
    const openFile = (): ReportFile => spool.openPart(leftBytes);
    const answer = await generateOne(task, spool, openFile, ({ offset, length }) => {
      entries.push({ requestId: task.requestId, offset, length });
      leftBytes -= length;
      return isPack ? packedKey(object, { offset, length }) : object;
    });
    answers.push({ ...answer, tookMs: performance.now() - startedMs });
  }
  try {
    spool.close(isPack ? packHeader(tasks.length, entries) : undefined);
    return answers;
  } catch (error) {
    // The missing bytes may belong to any of the reports.
    const failure = failureOf(error);
    return answers.map(({ tookMs }) => ({ failure, tookMs }));
  }
}

async function generateOne(
  { type, params, format, requestId, account, fileId }: ReportTask,
  spool: SpoolFile,
  openFile: ReportContext['openFile'],
  keyOf: (entry: PackEntry) => string,
): Promise<{ outcome: ReportOutcome } | { failure: ReportFailure }> {
  try {
    const definition = catalogue.get(type);
    if (!definition) throw new ReportFailed(`The report type "${type}" no longer exists`);
    const context: ReportContext = { requestId, account, fileId, format, openFile, openSnapshot };
    const result = JSON.stringify(await definition.generate(params, context));
    const entry = spool.endPart();
    return { outcome: { result, fileKey: entry && keyOf(entry), fileBytes: entry && entry.length } };
  } catch (error) {
    spool.dropPart();
    return { failure: failureOf(error) };
  }
}

const openSnapshot: ReportContext['openSnapshot'] = (isCurrent) => {
  if (!workerData) throw new Error('These threads have no database to read from');
  return Snapshot.open(workerData as ReadingOptions, isCurrent);
};

/** Shows the caller only the message of a ReportFailed: any other may contain paths, SQL or data. */
function failureOf(error: unknown): ReportFailure {
  if (error instanceof ReportFailed) return { blame: 'report', message: error.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const fault = storageFault(error);
  if (fault !== null) return { blame: 'storage', message: fault, detail };
  const outage = outageCause(error);
  // The statement's own timeout: the report would take as long again.
  if (outage === 'timeout' && isCancelled(error))
    return { blame: 'report', message: 'The report took too long to read from the database and was ended', detail };
  if (outage !== null) return { blame: 'database', message: detail };
  return {
    blame: 'report',
    message: 'The report could not be generated: an unexpected error. It has been logged.',
    detail,
  };
}

/** SQLSTATE of a statement that the server has cancelled. */
const QUERY_CANCELED = '57014';

const isCancelled = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === QUERY_CANCELED;
