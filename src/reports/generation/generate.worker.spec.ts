import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { packHeaderBytes } from '../storage/packs/pack-format.js';
import type { ReportAnswer, ReportTask } from './generate.worker.js';

const WORKER = fileURLToPath(new URL('../../../dist/src/reports/generation/generate.worker.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-generate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Generates reports in a process of their own, after the given preparation. */
function generate(tasks: ReportTask[], before: { shell?: string; script?: string; maxBytes?: number }): ReportAnswer[] {
  const batch = JSON.stringify({ tasks, filePath: join(folder, 'spooled'), maxBytes: before.maxBytes });
  const code = `import generate from ${JSON.stringify(WORKER)};
    ${before.script ?? ''}
    console.log(JSON.stringify(await generate(${batch})));`;
  const command = `${before.shell ?? 'true'} && exec "$0" --input-type=module --eval "$1"`;
  const args = ['-c', command, process.execPath, code];
  return JSON.parse(execFileSync('sh', args, { encoding: 'utf8' })) as ReportAnswer[];
}

const taskOf = (type: string, rows = 1): ReportTask => {
  const params = { num_transactions: rows, report_name: 'Q1', as_of: '2026-01-01' };
  return { type, params, format: 'csv', requestId: 'r', account: 'a', fileId: 'f' };
};

describe('generate', () => {
  it('discards the bytes of a report whose result is not JSON', () => {
    const catalogue = JSON.stringify(WORKER.replace('generation/generate.worker.js', 'catalogue.js'));
    const script = `const { catalogue } = await import(${catalogue});
      const generateOdd = (_, { openFile }) => {
        const file = openFile();
        file.write(Buffer.from('odd'));
        file.finish();
        return { count: 1n };
      };
      catalogue.set('odd', { generate: generateOdd });`;
    const answers = generate([taskOf('transactions'), taskOf('odd'), taskOf('transactions')], { script });
    expect(answers[1]).toMatchObject({ failure: { detail: expect.stringContaining('BigInt') } });
    const start = packHeaderBytes(3);
    const size = (statSync(join(folder, 'spooled')).size - start) / 2;
    expect(answers[0]).toMatchObject({ outcome: { fileKey: `spooled+${start}+${size}` } });
    expect(answers[2]).toMatchObject({ outcome: { fileKey: `spooled+${start + size}+${size}` } });
  });

  it('fails a report whose file would exceed what is left, and writes nothing of it', () => {
    const small = taskOf('transactions');
    generate([small], {});
    const { size } = statSync(join(folder, 'spooled'));
    rmSync(join(folder, 'spooled'));
    const [first, large, second, third] = generate([small, taskOf('transactions', 100_000), small, small], {
      maxBytes: 2 * size,
    });
    const start = packHeaderBytes(4);
    expect(first).toMatchObject({ outcome: { fileBytes: size, fileKey: `spooled+${start}+${size}` } });
    expect(second).toMatchObject({ outcome: { fileBytes: size, fileKey: `spooled+${start + size}+${size}` } });
    const left = (bytes: number) => ({
      failure: { blame: 'report', message: expect.stringContaining(`has left (${bytes} bytes, MAX_STORAGE_ACCOUNT)`) },
    });
    expect([large, third]).toMatchObject([left(size), left(0)]);
    expect(statSync(join(folder, 'spooled')).size).toBe(start + 2 * size);
  });

  it('fails all reports of a file that was not written in full', () => {
    const task = taskOf('transactions');
    // The first fits; what the three come to does not, and is written at the end alone.
    const cramped = { shell: 'ulimit -f 1' };
    const answers = generate([task, task, task], cramped);
    expect(answers).toHaveLength(3);
    for (const answer of answers)
      expect(answer).toMatchObject({ failure: { detail: expect.stringContaining('EFBIG') } });
  });
});
