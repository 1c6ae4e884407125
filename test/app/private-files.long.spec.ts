/** Other users of the machine cannot read anything in DATA_DIR, with any umask and also after an upgrade. */
import { chmodSync, mkdirSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { temporaryFolder } from '../support/folder.js';
import { UNLIMITED } from '../support/submit.js';

/** Starts the service with umask 0 and generates a report. */
async function withoutUmask(env: Record<string, string | undefined>): Promise<Daybook> {
  const before = process.umask(0);
  try {
    const daybook = await startDaybook({ env: { ...UNLIMITED, ...env } });
    for (const path of ['/api/sync', '/api/async'])
      expect((await post(daybook, path, { num_transactions: 100, callback_url: null })).status).toBeLessThan(300);
    return daybook;
  } finally {
    process.umask(before);
  }
}

/** Returns every entry in a folder that the group or others can access. The folder itself is not included. */
async function openEntries(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const { mode } = await lstat(path);
    if (!entry.isSymbolicLink() && (mode & 0o077) !== 0) found.push(`${path} ${(mode & 0o777).toString(8)}`);
    if (entry.isDirectory()) found.push(...(await openEntries(path)));
  }
  return found;
}

const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o777;

describe('the files of the service', () => {
  it('are accessible only to its user', async () => {
    const { dataDir } = await withoutUmask({});
    expect(await modeOf(dataDir)).toBe(0o700);
    expect(await openEntries(dataDir)).toEqual([]);
    expect(await readdir(join(dataDir, 'files/results'))).not.toEqual([]);
  });

  it('are accessible only to its user in folders of earlier versions too', async () => {
    const DATA_DIR = join(await temporaryFolder(), 'data');
    for (const folder of ['', 'files', 'files/results', 'files/spool']) {
      mkdirSync(join(DATA_DIR, folder), { recursive: true });
      chmodSync(join(DATA_DIR, folder), 0o777);
    }
    await withoutUmask({ DATA_DIR });
    expect(await modeOf(DATA_DIR)).toBe(0o700);
    expect(await openEntries(DATA_DIR)).toEqual([]);
  });

  it('are accessible only to the users of the service and of the embedded Postgres', async () => {
    const { dataDir } = await withoutUmask({ DATABASE_URL: undefined });
    // Postgres cannot run as root and runs as another user, whose group may enter the folder.
    expect(await modeOf(dataDir)).toBe(process.getuid?.() === 0 ? 0o710 : 0o700);
    expect(await openEntries(dataDir)).toEqual([]);
  });
});
