/** With `AUTH=required`, a load test needs an admin key and sends its requests with one. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey, type TestKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';

const BENCH = fileURLToPath(new URL('../../dist/src/benchmark/cli/cli.main.js', import.meta.url));

let daybook: Daybook;
let admin: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  admin = await createKey(daybook, ['admin']);
});

describe('the load test', () => {
  it('needs an admin key, and sends its requests with it', async () => {
    const body = { num_requests: 5, concurrency: 2, num_transactions: 1 };
    const { status, json } = await post(daybook, '/api/benchmark/both', body, admin.headers);
    expect([status, json]).toMatchObject([200, { sync: { successful: 5 }, async: { callbacks_received: 5, lost: 0 } }]);
  });

  it('accepts a key on the command line', async () => {
    const bench = (more: string[], env: NodeJS.ProcessEnv = {}) => {
      const args = [BENCH, '--url', daybook.url, '--num-requests', '5', '--concurrency', '2', ...more];
      return promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } }).then(
        ({ stdout }) => ({ code: 0, output: stdout }),
        ({ code, stdout }: { code: number; stdout: string }) => ({ code, output: stdout }),
      );
    };
    const file = join(await temporaryFolder(), 'key');
    await writeFile(file, `${admin.key}\n`);
    const [passed, fromFile, fromEnvironment, keyless] = await Promise.all([
      bench(['--api-key', admin.key]),
      bench(['--mode', 'sync', '--api-key-file', file]),
      bench(['--mode', 'sync'], { DAYBOOK_API_KEY: admin.key }),
      bench(['--mode', 'sync']),
    ]);
    expect(passed).toEqual({ code: 0, output: expect.stringContaining('lost 0') });
    expect(passed.output).not.toContain(admin.key.slice(-43));
    expect([fromFile.code, fromEnvironment.code]).toEqual([0, 0]);
    expect(keyless).toEqual({ code: 1, output: expect.stringContaining('401 5 times') });
  });
});
