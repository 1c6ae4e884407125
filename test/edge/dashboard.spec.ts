/** The dashboard's page and files at `/` and `/app`, and the types of its client. */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { temporaryFolder } from '../support/folder.js';
import { openRaw } from '../support/raw-http.js';
import { redisUrl } from '../support/redis.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILT = join(ROOT, 'dist/web');
/** Of the page, its scripts and styles, and the view at `/`, compressed. */
const FIRST_VIEW_BYTES = 150_000;

let daybook: Daybook;
let page: string;
let assets: string[];
beforeAll(async () => {
  // The page and its files contain no data, so they need no key.
  daybook = await startDaybook({ env: { AUTH: 'required' } });
  page = await readFile(join(BUILT, 'index.html'), 'utf8');
  assets = (await readdir(join(BUILT, 'assets'))).filter((name) => !name.endsWith('.gz'));
});

const entry = (): string => page.match(/<script type="module"[^>]* src="([^"]+)"/)![1]!;

/** Sends a path as it is. Clients resolve `..` first. */
async function getRaw(path: string, headers = ''): Promise<{ status: number; text: string }> {
  const raw = openRaw(daybook);
  raw.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  const text = await raw.closed;
  return { status: Number(text.split(' ')[1]), text };
}

describe('the page', () => {
  it.each([
    '/',
    '/app',
    '/app/',
    '/app/requests/0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55?status=FAILED',
    '/app/no/such/view',
  ])('is at %s', async (path) => {
    const reply = await get(daybook, path);
    expect(reply).toMatchObject({ status: 200, text: page });
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8');
    // The names of its scripts change with their content, so a browser must ask for the page each time.
    expect(reply.headers.get('cache-control')).toBe('no-cache');
  });

  it('is not sent again while it is unchanged', async () => {
    const { headers } = await get(daybook, '/');
    // Without the second header, fetch sends `no-cache` with a condition.
    const again = await get(daybook, '/', { 'if-none-match': headers.get('etag')!, 'cache-control': 'max-age=0' });
    expect(again).toMatchObject({ status: 304, text: '' });
    // A proxy may know the time only. An older build after a newer one is not newer.
    const since = { 'if-modified-since': new Date().toUTCString(), 'cache-control': 'max-age=0' };
    expect((await get(daybook, '/', since)).status).toBe(200);
  });

  it('allows no inline script or style, and no other host', async () => {
    const policy = (await get(daybook, '/app/requests')).headers.get('content-security-policy')!;
    expect(policy.split(';')).toEqual(
      expect.arrayContaining([
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\son\w+=|https?:/);
  });

  it('answers HEAD', async () => {
    const reply = await send(daybook, 'HEAD', '/', { headers: { 'accept-encoding': 'identity' } });
    expect(reply).toMatchObject({ status: 200, text: '' });
    expect(reply.headers.get('content-length')).toBe(String(Buffer.byteLength(page)));
  });

  it.each(['/', '/app', '/app/requests'])('refuses POST %s with 405', async (path) => {
    const reply = await post(daybook, path, {});
    expectProblem(reply, 405, path);
    expect(reply.headers.get('allow')).toBe('GET');
  });

  it('is not on the port of a worker', async () => {
    const worker = await startDaybook({ role: 'worker', env: { REDIS_URL: await redisUrl() } });
    for (const path of ['/', '/app', entry()]) expectProblem(await get(worker, path), 404, path);
  });
});

describe('a file', () => {
  it('is cached for a year when its name has its hash', async () => {
    expect(assets.length).toBeGreaterThan(3);
    for (const name of assets) {
      const reply = await get(daybook, `/app/assets/${name}`);
      expect([name, reply.status]).toEqual([name, 200]);
      expect(reply.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(reply.headers.get('content-type')).toMatch(name.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
    }
  });

  it.each(['/app/icon.svg', '/app/theme.js'])('%s is asked for again, because its name stays', async (path) => {
    const reply = await get(daybook, path);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-cache');
  });

  it.each([
    ['gzip, br', 'gzip'],
    ['*', 'gzip'],
    ['identity', null],
    ['br', null],
    ['gzip;q=0', null],
  ])('with Accept-Encoding: %s is encoded as %s', async (accepted, encoding) => {
    const plain = await readFile(join(BUILT, 'index.html'));
    const raw = await fetch(`${daybook.url}/`, { headers: { 'accept-encoding': accepted } });
    expect(raw.headers.get('content-encoding')).toBe(encoding);
    expect(raw.headers.get('vary')).toMatch(/\bAccept-Encoding\b/i);
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(plain);
  });

  it('is sent as it is to a client that names no encoding', async () => {
    const { text } = await getRaw('/');
    expect(text).not.toMatch(/^content-encoding:/im);
    expect(text).toContain(page);
  });

  it('has the same content in both encodings', async () => {
    for (const name of assets) {
      const plain = await readFile(join(BUILT, 'assets', name));
      expect(gunzipSync(await readFile(join(BUILT, 'assets', `${name}.gz`)))).toEqual(plain);
    }
  });

  it('is in parts for Range, with 416 and 412 as usual', async () => {
    const identity = { 'accept-encoding': 'identity' };
    const part = await get(daybook, entry(), { ...identity, range: 'bytes=0-9' });
    expect(part.status).toBe(206);
    expect(part.text).toHaveLength(10);
    expectProblem(await get(daybook, entry(), { ...identity, range: 'bytes=99999999-' }), 416, entry());
    expectProblem(await get(daybook, entry(), { ...identity, 'if-match': '"other"' }), 412, entry());
  });

  it('that is missing is 404, not the page', async () => {
    for (const name of ['index-00000000.js', 'home.view-.css', 'x', '..x']) {
      const path = `/app/assets/${name}`;
      const reply = await get(daybook, path);
      expectProblem(reply, 404, path);
      expect(reply.headers.get('cache-control') ?? '').not.toContain('immutable');
    }
  });

  it.each([
    '/app/assets/../../../package.json',
    '/app/assets/..%2f..%2f..%2fpackage.json',
    '/app/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
    '/app/assets/..%5c..%5c..%5cpackage.json',
    '/app/../../package.json',
    '/app/..%2f..%2fpackage.json',
    '/app/%2e%2e%2f%2e%2e%2fpackage.json',
    '/app//etc/passwd',
    '/app/assets//etc/passwd',
    '/app/assets/..',
    '/app/assets/.',
    '/app/assets/',
    '/app/assets/%00',
    '/app/%zz',
    '/../package.json',
    '/package.json',
  ])('outside the dashboard is never sent: %s', async (path) => {
    for (const headers of ['', 'Accept-Encoding: gzip\r\n']) {
      const { status, text } = await getRaw(path, headers);
      expect([200, 400, 404]).toContain(status);
      expect(text).not.toMatch(/"dependencies"|root:/);
      if (status === 200 && headers === '') expect(text).toContain(page);
    }
  });
});

describe('the first view', () => {
  it(`is at most ${FIRST_VIEW_BYTES / 1_000} kB, compressed`, async () => {
    const names = [...page.matchAll(/(?:src|href)="\/app\/([^"]+)"/g)].map(([, name]) => name!);
    const home = assets.find((name) => /^home\.view-.*\.js$/.test(name))!;
    const found = new Set(['index.html', ...names, ...(await importsOf(`assets/${home}`))]);
    const sizes = await Promise.all(
      [...found].map(async (name) => gzipSync(await readFile(join(BUILT, name)), { level: 9 }).length),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(found.size).toBeGreaterThan(5);
    expect(bytes).toBeLessThanOrEqual(FIRST_VIEW_BYTES);
  });

  /** @returns A script and all that it imports before it runs. */
  async function importsOf(name: string, found = new Set<string>()): Promise<Set<string>> {
    if (found.has(name)) return found;
    found.add(name);
    const code = await readFile(join(BUILT, name), 'utf8');
    for (const [, imported] of code.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g))
      await importsOf(`assets/${imported!}`, found);
    return found;
  }
});

describe('the client', () => {
  it('has the types of the API: run `npm run generate:client` after a change of the API', async () => {
    const file = join(await temporaryFolder(), 'schema.ts');
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/generate-client.js'), file]);
    const committed = await readFile(join(ROOT, 'web/src/api/schema.generated.ts'), 'utf8');
    expect((await readFile(file, 'utf8')) === committed).toBe(true);
  });
});
