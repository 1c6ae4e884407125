/** `npx daybook verify` reports to a receiver whether a callback is genuine, by its exit code and in words. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { startReceiver } from '../support/receiver.js';
import { submitAsync, UNLIMITED } from '../support/submit.js';

/** Keeps npx away from the registry, which may have another package of that name. */
const NPM = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_update_notifier: 'false' };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = [process.execPath, 'dist/src/cli/daybook.main.js'];
const NPX = ['npx', '--no-install', 'daybook'];

let home: string;
let secret: string;
let capture: Buffer;
let timestamp: string;

beforeAll(async () => {
  home = await temporaryFolder();
  const daybook = await startDaybook({ env: UNLIMITED });
  const receiver = await startReceiver();
  secret = (await get(daybook, '/api/callback-secrets')).json.secrets[0].secret;
  await submitAsync(daybook.url, 1, () => ({ num_transactions: 1, callback_url: receiver.url }), 1);
  const { raw, headers, method, path } = await eventually(() => receiver.received[0] ?? false);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  capture = Buffer.concat([Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')), raw]);
  timestamp = String(headers['webhook-timestamp']);
});

async function run(
  [command = '', ...first]: string[],
  args: string[],
  input: string | Buffer = capture,
  more: Record<string, string> = {},
) {
  const env = { ...more, ...NPM, PATH: process.env.PATH, HOME: home, npm_config_cache: join(home, 'npm') };
  const child = spawn(command, [...first, ...args], { cwd: ROOT, env });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output, errors };
}

describe('daybook verify', () => {
  it('shows no control characters of a capture or an argument', async () => {
    const hostile = capture
      .toString('latin1')
      .replace(/^webhook-timestamp: .*$/m, 'webhook-timestamp: \u001b[2J\u009b');
    const { code, output } = await run(CLI, ['verify', '--secret', secret], Buffer.from(hostile, 'latin1'));
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('webhook-timestamp is \\u001b[2J') });
    expect(output.trimEnd()).not.toMatch(/\p{Cc}/u);
    const { code: usage, errors } = await run(CLI, ['\u001b[2Jverify']);
    expect([usage, errors]).toEqual([2, expect.stringContaining('There is no command \\u001b[2Jverify')]);
  });

  it.each([
    ['node', CLI],
    ['npx', NPX],
  ])('by %s accepts a request that the service sent', async (_, command) => {
    const { code, output } = await run(command, ['verify', '--secret', secret]);
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/^verified: The signature matches; .*\n$/),
    });
  });

  it.each([
    ['node', CLI],
    ['npx', NPX],
  ])('by %s explains why it does not accept a request', async (_, command) => {
    const { code, output } = await run(
      command,
      ['verify', '--secret', secret],
      Buffer.concat([capture, Buffer.from('\n')]),
    );
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(/^not verified \(body-altered\): .*\n$/),
    });
  });

  it('compares the timestamp with --now within --tolerance', async () => {
    const at = (now: string, ...more: string[]) => run(CLI, ['verify', '--secret', secret, '--now', now, ...more]);
    const later = String(Number(timestamp) + 3_600);
    expect(await at(later)).toMatchObject({ code: 1, output: expect.stringContaining('(timestamp-old)') });
    expect(await at(later, '--tolerance', '1h')).toMatchObject({ code: 0 });
    expect(await at(timestamp, '--tolerance', '0s')).toMatchObject({ code: 0 });
    const text = new Date(1_000 * (Number(timestamp) - 3_600)).toISOString();
    expect(await at(text)).toMatchObject({ code: 1, output: expect.stringContaining('(timestamp-ahead)') });
  });

  it('takes secrets from files and from the environment', async () => {
    const other = `whsec_${Buffer.alloc(32).toString('base64')}`;
    const file = join(home, 'secrets.txt');
    await writeFile(file, `${other}\n${secret}\n`);
    expect(await run(CLI, ['verify', '--secret-file', file])).toMatchObject({ code: 0 });
    const inEnvironment = { DAYBOOK_CALLBACK_SECRET: `${other} ${secret}` };
    expect(await run(CLI, ['verify'], capture, inEnvironment)).toMatchObject({ code: 0 });
    expect(await run(CLI, ['verify', '--secret', other])).toMatchObject({ code: 1 });
  });

  const MISUSES: [string, () => string[], string | null, RegExp][] = [
    ['no command', () => [], null, /A command is missing[^]*Usage/],
    ['another command', () => ['sign'], null, /no command sign[^]*Usage/],
    ['no secret', () => ['verify'], null, /--secret is missing[^]*Usage/],
    ['an empty secret', () => ['verify', '--secret', ''], null, /--secret is missing/],
    ['an unknown option', () => ['verify', '--secret', secret, '--key', 'x'], null, /'--key'[^]*Usage/],
    ['a secret file that does not exist', () => ['verify', '--secret-file', 'no-such'], null, /cannot be read: ENOENT/],
    ['an invalid tolerance', () => ['verify', '--secret', secret, '--tolerance', '5'], null, /--tolerance must be/],
    ['an invalid time', () => ['verify', '--secret', secret, '--now', 'noon'], null, /--now must be/],
    ['no capture', () => ['verify', '--secret', secret], '', /^daybook: The headers do not end with a blank line/],
    ['a body without headers', () => ['verify', '--secret', secret], '{}\n', /^daybook: Line 1 is not a request line/],
    ['a capture that is too long', () => ['verify', '--secret', secret], 'x'.repeat(17 << 20), /longer than 16 MiB/],
  ];
  it.each(MISUSES)('ends with exit code 2 on %s', async (_, args, input, message) => {
    const { code, output, errors } = await run(CLI, args(), input ?? capture);
    expect({ code, output, errors }).toEqual({ code: 2, output: '', errors: expect.stringMatching(message) });
    expect(errors).not.toContain(secret);
  });

  it('prints the usage of each command', async () => {
    const help = async (...args: string[]) => run(CLI, [...args, '--help']);
    expect(await help()).toMatchObject({ code: 0, output: expect.stringMatching(/^Usage: daybook COMMAND/) });
    for (const command of ['verify', 'keys', 'books', 'seed'])
      expect(await help(command)).toMatchObject({
        code: 0,
        output: expect.stringMatching(new RegExp(`^Usage: daybook ${command} `)),
      });
  });

  it.each(['--version', '-V'])('prints the version for %s, also of a command', async (option) => {
    for (const args of [[option], ['verify', option], ['keys', 'list', option]]) {
      const { code, output } = await run(CLI, args);
      expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    }
  });
});
