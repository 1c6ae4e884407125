import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Daybook, startDaybook } from '../../../test/support/daybook.js';

export type { Daybook };

const KEYS = fileURLToPath(new URL('../../../dist/src/cli/keys.main.js', import.meta.url));
const UNLIMITED = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  RATE_LIMIT_BATCH: 'off',
  RATE_LIMIT_LOGIN: 'off',
  RATE_LIMIT_DEFAULT: 'off',
};

/** Starts the built service with a database of its own. It ends after the test file. */
export const startService = (env: Record<string, string> = {}): Promise<Daybook> =>
  startDaybook({ env: { ...UNLIMITED, ...env } });

/** Creates an API key with the command line. @returns The key. */
export async function createKey(daybook: Daybook, scopes: string): Promise<string> {
  const given = [KEYS, 'create', '--name', scopes, '--scope', scopes];
  const env = { PATH: process.env['PATH'], DATABASE_URL: daybook.databaseUrl, DATA_DIR: daybook.dataDir };
  const { stdout } = await promisify(execFile)(process.execPath, given, { env, cwd: daybook.dataDir });
  return stdout.trim();
}

/** Calls the API. @returns Its answer as JSON. @throws Error for an answer of 400 or more. */
export async function call<Answer = Record<string, unknown>>(
  { url }: Pick<Daybook, 'url'>,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Answer;
}
