import { createHash } from 'node:crypto';
import type { Download, RequestRow } from './history.js';

const AT_ONCE = 8;

/** Downloads the file of every report that has one. */
export async function downloadAll(apiUrl: string, requests: RequestRow[]): Promise<Download[]> {
  const waiting = requests.filter(({ result }) => result && 'download_url' in result);
  const downloads: Download[] = [];
  const fetchOn = async (): Promise<void> => {
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      const response = await fetch(apiUrl + String(row.result!.download_url));
      const bytes = Buffer.from(await response.arrayBuffer());
      downloads.push({ id: row.id, status: response.status, sha256: createHash('sha256').update(bytes).digest('hex') });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchOn));
  return downloads;
}
