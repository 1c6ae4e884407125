import { ApiError, isProblem } from '../../../api/errors';
import type { components } from '../../../api/schema.generated';

type ImportResult = components['schemas']['ImportResult'];
export type OrderImport = components['schemas']['OrderImport'];

/** @returns The Content-Type of a file by its name; null if it cannot be imported. */
export function contentTypeOf(name: string): 'text/csv' | 'application/x-ndjson' | null {
  if (/\.csv$/i.test(name)) return 'text/csv';
  return /\.(ndjson|jsonl)$/i.test(name) ? 'application/x-ndjson' : null;
}

/**
 * Sends a file to the import. The browser reads it from the disk as it is sent, so that its size does not matter.
 * @throws ApiError The problem that was answered.
 */
export async function importFile(file: File, signal: AbortSignal): Promise<ImportResult> {
  const response = await fetch('/api/orders/import', {
    method: 'POST',
    headers: { 'Content-Type': contentTypeOf(file.name) ?? 'text/csv' },
    body: file,
    signal,
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer as ImportResult;
  throw isProblem(answer) ? new ApiError(answer) : new Error('The answer is not of this API');
}

/** Bytes at the beginning of a file from which the length of a line is estimated. */
const SAMPLE_BYTES = 64 * 1024;

/** @returns About how many lines a file has, without reading all of it. */
export async function estimateLines(file: Blob): Promise<number> {
  const sample = await file.slice(0, SAMPLE_BYTES).text();
  const lines = sample.split('\n').length - 1;
  return Math.max(1, Math.round((lines * file.size) / Math.max(1, Math.min(file.size, SAMPLE_BYTES))));
}

/** One line of an error report. */
export interface ImportError {
  row: string;
  external_ref: string;
  field: string;
  message: string;
}

/** @returns The first errors of a report (CSV as in RFC 4180, with a header). */
export function firstErrors(csv: string, limit: number): ImportError[] {
  return records(csv)
    .slice(1, limit + 1)
    .map(([row = '', external_ref = '', field = '', message = '']) => ({ row, external_ref, field, message }));
}

function records(csv: string): string[][] {
  const fields = csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g);
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of fields) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '') break;
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

/** Bytes of a report that are read for its first errors. */
const READ_BYTES = 64 * 1024;

/** Reads the beginning of an error report, which can be as long as the file. */
export async function readErrors(url: string, limit: number, signal: AbortSignal): Promise<ImportError[]> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error('The error report is not there');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (text.length < READ_BYTES) {
    const { done, value } = await reader.read();
    if (done) return firstErrors(text, limit);
    text += value;
  }
  await reader.cancel();
  return firstErrors(text.slice(0, text.lastIndexOf('\n') + 1), limit);
}
