import { perform } from '../../../api/calls';
import { client, dataOf } from '../../../api/client';
import { ApiError } from '../../../api/errors';
import type { Call } from '../../../ui/code';
import { fileNameOf } from '../../../ui/download';
import type { Row } from './statement';

const POLL_MS = 1_000;
/** A report that takes longer is downloaded from its request. */
const MAX_POLLS = 300;

export const pathOf = (fileName: string): string => `/api/reports/${encodeURIComponent(fileName)}`;

/** Asks for a report. @returns Its request. @throws ApiError The problem that was answered. */
export async function requestReport(body: object): Promise<string> {
  const { problem, json } = await perform({ method: 'POST', path: '/api/sync', body } satisfies Call);
  if (problem) throw new ApiError(problem);
  return String(json?.['request_id']);
}

/** Makes a report and saves its file, also when it takes longer than a sync caller may wait. */
export async function download(body: object): Promise<void> {
  const id = await requestReport(body);
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    const { status, error, result_payload } = await dataOf(
      client.GET('/api/requests/{id}', { params: { path: { id } } }),
    );
    const name = fileNameOf(result_payload);
    if (status === 'COMPLETED' && name !== null) {
      const link = document.createElement('a');
      link.href = pathOf(name);
      link.download = name;
      link.click();
      return;
    }
    if (status !== 'PENDING' && status !== 'PROCESSING')
      throw new ApiError({ title: 'The report failed', status: 200, detail: error ?? status });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new ApiError({ title: 'The report takes long', status: 202, detail: `Download it from its request ${id}.` });
}

/** @returns The first rows of a file of JSON lines. The rest is not read. */
export async function readRows(fileName: string, limit: number): Promise<Row[]> {
  const response = await fetch(pathOf(fileName));
  if (!response.ok || !response.body)
    throw new ApiError({ title: 'The file is not there', status: response.status, detail: 'Make the report again.' });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const lines: string[] = [];
  let rest = '';
  while (lines.length < limit) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? '')).split('\n');
    rest = done ? '' : (parts.pop() ?? '');
    lines.push(...parts.filter((line) => line !== ''));
    if (done) break;
  }
  await reader.cancel();
  return lines.slice(0, limit).map((line) => JSON.parse(line) as Row);
}
