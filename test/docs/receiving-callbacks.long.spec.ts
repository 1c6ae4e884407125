/** The receivers in docs/receiving-callbacks.md accept only genuine callbacks. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { get } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { blocksOf, readDocument } from '../support/markdown.js';
import { type Receipt, startReceiver } from '../support/receiver.js';
import { submitAsync, UNLIMITED } from '../support/submit.js';

const DOCUMENT = readDocument('docs/receiving-callbacks.md');
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const PATH = process.env.PATH!;

const program = (section: string, language: string): string =>
  blocksOf(DOCUMENT, section).find((block) => block.language === language)!.text;

const isInstalled = (command: string, argument: string): boolean =>
  spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;

/** The command of each program. Programs whose language is not installed are skipped. */
const PROGRAMS: [section: string, prepare: (folder: string) => Promise<string[]>][] = [
  ['Node', async (folder) => [process.execPath, await saved(folder, 'receiver.mjs', program('Node', 'js'))]],
];
if (isInstalled('python3', '--version')) {
  PROGRAMS.push([
    'Python',
    async (folder) => ['python3', await saved(folder, 'receiver.py', program('Python', 'python'))],
  ]);
}
if (isInstalled('go', 'version')) PROGRAMS.push(['Go', compiledGo]);

async function saved(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function compiledGo(folder: string): Promise<string[]> {
  const source = await saved(folder, 'receiver.go', program('Go', 'go'));
  const env = { PATH, HOME: folder, GOCACHE: join(folder, 'cache'), GOFLAGS: '-mod=mod', GO111MODULE: 'off' };
  execFileSync('go', ['build', '-o', join(folder, 'receiver'), source], { cwd: dirname(source), env });
  return [join(folder, 'receiver')];
}

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** Starts a receiver and returns its URL and its output so far. */
async function run([command = '', ...args]: string[], secrets: string): Promise<{ url: string; output: () => string }> {
  const port = await freePort();
  const env = { PATH, PORT: String(port), WEBHOOK_SECRETS: secrets };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  await eventually(
    () =>
      new Promise<boolean>((resolve, reject) => {
        if (child.exitCode !== null) reject(new Error(output));
        const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== null));
        socket.on('error', () => resolve(false));
      }),
  );
  return { url: `http://127.0.0.1:${port}/hook`, output: () => output };
}

let daybook: Daybook;
let secret: string;
/** A callback that the service sent. */
let callback: Receipt;

beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '100ms' } });
  secret = (await get(daybook, '/api/callback-secrets')).json.secrets[0].secret;
  const receiver = await startReceiver();
  await requestReport(receiver.url);
  callback = await eventually(() => receiver.received[0] ?? false);
});

async function requestReport(callbackUrl: string): Promise<string> {
  const body = () => ({ num_transactions: 1, report_name: 'Ubersicht', callback_url: callbackUrl });
  return (await submitAsync(daybook.url, 1, body, 1))[0]!.request_id;
}

async function outcomeOf(id: string): Promise<{ callback_status: string; delivery_trace: { status_code: number }[] }> {
  return eventually(async () => {
    const { json } = await get(daybook, `/api/requests/${id}`);
    return ['SUCCESS', 'FAILED'].includes(json.callback_status) && json;
  });
}

/** Sends the callback again with changes and returns the status of the answer. */
async function replay(url: string, headers: Record<string, string> = {}, body = callback.raw): Promise<number> {
  const kept = Object.entries(callback.headers).filter(([name]) => /^(webhook-|content-type)/.test(name));
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(Object.fromEntries(kept) as Record<string, string>), ...headers },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}

/** Returns the headers of the callback, signed at another time. */
function signedAt(ageS: number): Record<string, string> {
  const id = String(callback.headers['webhook-id']);
  const at = new Date(Date.now() - ageS * 1_000);
  return {
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, callback.raw.toString()),
  };
}

describe.each(PROGRAMS)('the receiver in %s', (_, prepare) => {
  let command: string[];
  beforeAll(async () => {
    command = await prepare(await temporaryFolder());
  }, 180_000);

  it('accepts callbacks with either secret of a rotation', async () => {
    for (const secrets of [secret, `${OTHER_SECRET} ${secret}`]) {
      const receiver = await run(command, secrets);
      const id = await requestReport(receiver.url);
      expect(await outcomeOf(id)).toMatchObject({ callback_status: 'SUCCESS', delivery_trace: [{ status_code: 204 }] });
      expect(receiver.output()).toBe(`report.completed ${id}\n`);
    }
  });

  it('refuses callbacks signed with another secret, and the service does not retry', async () => {
    const receiver = await run(command, OTHER_SECRET);
    const outcome = await outcomeOf(await requestReport(receiver.url));
    expect(outcome).toMatchObject({ callback_status: 'FAILED', delivery_trace: [{ status_code: 401 }] });
    expect(receiver.output()).toBe('');
  });

  it('refuses altered, old and unsigned callbacks', async () => {
    const { url, output } = await run(command, secret);
    const tampered = Buffer.from(callback.raw);
    tampered[tampered.length - 3]! ^= 1;
    expect(await replay(url, {}, tampered)).toBe(401);
    expect(await replay(url, {}, Buffer.concat([callback.raw, Buffer.from('\n')]))).toBe(401);
    expect(await replay(url, { 'webhook-id': 'msg_other' })).toBe(401);
    for (const ageS of [310, -310]) expect(await replay(url, signedAt(ageS))).toBe(401);
    for (const wrong of ['', 'v1', 'v1,', 'v1,AAAA', 'v2,x', String(callback.headers['webhook-signature']).slice(3)]) {
      expect([wrong, await replay(url, { 'webhook-signature': wrong })]).toEqual([wrong, 401]);
    }
    for (const wrong of ['', 'x', '1e9', '99999999999999999999']) {
      expect([wrong, await replay(url, { 'webhook-timestamp': wrong })]).toEqual([wrong, 401]);
    }
    // A receiver that stops reading may close the connection before the client reads the response.
    const closed = () => 413;
    expect(await replay(url, {}, Buffer.alloc(2 << 20, 'x')).catch(closed)).toBe(413);
    expect(output()).toBe('');
  });

  it('handles a repeated callback once, and accepts one valid signature of several', async () => {
    const { url, output } = await run(command, secret);
    expect(await replay(url)).toBe(204);
    expect(await replay(url, signedAt(10))).toBe(204);
    const several = `v1a,AAAA v1,AAAA ${String(callback.headers['webhook-signature'])}`;
    expect(await replay(url, { 'webhook-signature': several })).toBe(204);
    expect(output()).toBe(`report.completed ${callback.json.request_id}\n`);
  });
});

it('the Ed25519 example accepts only messages that the service signed', async () => {
  const signing = await startDaybook({ env: { ...UNLIMITED, CALLBACK_SIGNATURE: 'v1a' } });
  const receiver = await startReceiver();
  await submitAsync(signing.url, 1, () => ({ num_transactions: 1, callback_url: receiver.url }), 1);
  const { raw, headers } = await eventually(() => receiver.received[0] ?? false);
  const { json } = await get(signing, '/api/callback-secrets/public-key');
  const file = await saved(await temporaryFolder(), 'check.mjs', program('Ed25519', 'js'));
  const check = (body: Buffer): string => {
    const script = `const { isGenuine } = await import(process.argv[1]);
      const { key, headers, body } = JSON.parse(process.argv[2]);
      console.log(isGenuine(key, headers, Buffer.from(body, 'base64')));`;
    const given = { key: json.public_keys[0].public_key, headers, body: body.toString('base64') };
    const args = ['--input-type=module', '-e', script, pathToFileURL(file).href, JSON.stringify(given)];
    return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
  };
  expect(check(raw)).toBe('true');
  expect(check(Buffer.concat([raw, Buffer.from(' ')]))).toBe('false');
});
