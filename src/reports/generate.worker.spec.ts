import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ReportAnswer, ReportTask } from './generate.worker.js';

const WORKER = fileURLToPath(new URL('../../dist/src/reports/generate.worker.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-generate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Makes reports where no file may be longer than 512 bytes. */
function generateCramped(tasks: ReportTask[]): ReportAnswer[] {
  const batch = JSON.stringify({ tasks, filePath: join(folder, 'spooled') });
  const code = `import generate from ${JSON.stringify(WORKER)}; console.log(JSON.stringify(await generate(${batch})))`;
  const args = ['-c', 'ulimit -f 1 && exec "$0" --input-type=module --eval "$1"', process.execPath, code];
  return JSON.parse(execFileSync('sh', args, { encoding: 'utf8' })) as ReportAnswer[];
}

describe('generate', () => {
  it('calls no report made whose bytes did not all come to the disk', () => {
    const params = { num_transactions: 1, report_name: 'Cramped', as_of: '2026-01-01' };
    const task = { type: 'transactions', params, format: 'csv', requestId: 'r', fileId: 'f' };
    // The first fits; what the three come to does not, and is written at the end alone.
    const answers = generateCramped([task, task, task]);
    expect(answers).toHaveLength(3);
    for (const answer of answers)
      expect(answer).toMatchObject({ failure: { detail: expect.stringContaining('EFBIG') } });
  });
});
