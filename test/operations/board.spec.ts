/**
 * Promise: operators see the requests, callbacks and mail as queues of jobs at /admin/queues, with and without Redis. They retry
 * failed jobs, and pause and resume queues, on record; the board does nothing else, and is closed to everyone else.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey, type TestKey } from '../support/keys.js';
import { addKeptMail } from '../support/mail.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { registerUser } from '../support/users.js';
import { type IdsByState, addDeliveries, addMessages, addRequests } from './board-rows.js';

const BOARD = '/admin/queues';
const QUEUES = `${BOARD}/api/queues`;
const UNKNOWN_ID = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';

interface Job {
  id: string;
  name: string;
  data: Record<string, unknown>;
  failedReason: string;
}
interface Queue {
  name: string;
  counts: Record<string, number>;
  jobs: Job[];
  isPaused: boolean;
  allowRetries: boolean;
  pagination: { pageCount: number };
}

/** One process without Redis, for callers on this machine. */
let open: Daybook;
/** A process of the API with Redis, whose jobs no worker touches. */
let api: Daybook;
let admin: TestKey;

beforeAll(async () => {
  open = await startDaybook({
    env: { ...UNLIMITED, RATE_LIMIT_DEFAULT: '500/1h', TRUST_PROXY: '1', CALLBACK_RETRY_DELAYS: '1h' },
  });
  const REDIS_URL = await redisUrl();
  api = await startDaybook({ role: 'api', env: { ...UNLIMITED, AUTH: 'required', REDIS_URL } });
  admin = await createKey(api, ['admin']);
});

async function queue(daybook: Daybook, name: string, query = '', headers?: Record<string, string>): Promise<Queue> {
  const reply = await get(daybook, `${QUEUES}?activeQueue=${name}${query}`, headers);
  expect([reply.text, reply.status]).toEqual([reply.text, 200]);
  return (reply.json.queues as Queue[]).find((one) => one.name === name)!;
}

const put = (daybook: Daybook, path: string, headers?: Record<string, string>): Promise<Reply> =>
  send(daybook, 'PUT', `${QUEUES}/${path}`, { headers });

/** A route of the library with its parameters filled in. */
const filled = (route: string, job: string): string =>
  BOARD +
  route
    .replace(':queueName', 'mail')
    .replace(':jobId', job)
    .replace(':queueStatus', 'failed')
    .replace(':schedulerId', 'x');

const ROUTES = appRoutes.api.flatMap(({ method, route }) =>
  [method].flat().flatMap((verb) => [route].flat().map((path) => `${verb.toUpperCase()} ${path}`)),
);
/** The acts that the board offers. */
const OFFERED = [
  'PUT /api/queues/pause',
  'PUT /api/queues/resume',
  'PUT /api/queues/:queueName/pause',
  'PUT /api/queues/:queueName/resume',
  'PUT /api/queues/:queueName/retry/:queueStatus',
  'PUT /api/queues/:queueName/:jobId/retry',
];

describe('the jobs of each queue', () => {
  const added: Record<string, IdsByState> = {};
  beforeAll(async () => {
    added['callbacks'] = await addDeliveries(api);
    added['mail'] = await addMessages(api);
    added['reports'] = await addRequests(api);
  });

  it.each(['reports', 'callbacks', 'mail'])('%s are listed and counted by state', async (name) => {
    for (const [state, ids] of Object.entries(added[name]!)) {
      const { counts, jobs } = await queue(api, name, `&status=${state}&jobsPerPage=50`, admin.headers);
      // The requests of the deliveries are completed too.
      const isAmongOthers = name === 'reports' && state === 'completed';
      expect([state, jobs.map(({ id }) => id).slice(0, ids.length)]).toEqual([state, ids]);
      if (!isAmongOthers) expect([state, counts[state], jobs.length]).toEqual([state, ids.length, ids.length]);
      for (const id of ids) {
        const { json } = await get(api, `${QUEUES}/${name}/${id}`, admin.headers);
        expect([name, json.status, json.job.id]).toEqual([name, state, id]);
      }
    }
    expect((await queue(api, name, '&status=paused', admin.headers)).jobs).toEqual([]);
  });

  it('have a readable name and data, and no secret', async () => {
    const of = async (name: string, state: string) =>
      (await queue(api, name, `&status=${state}&jobsPerPage=50`, admin.headers)).jobs;
    const [report] = await of('reports', 'failed');
    expect(report).toMatchObject({ name: 'digest (json) in lane lane-1', failedReason: 'Cancelled' });
    expect(report!.data).toMatchObject({ lane: 'lane-1', callback_origin: 'https://a.example', account: 'open' });
    const [callback] = await of('callbacks', 'failed');
    expect(callback).toMatchObject({ name: 'Callback to https://a.example:443', failedReason: 'Responded with 500' });
    const [kept] = await of('mail', 'failed');
    expect(kept).toMatchObject({ name: 'password-reset to ada@example.com', failedReason: /SMTP_URL/ });
    for (const [name, states] of Object.entries(added))
      for (const state of Object.keys(states))
        expect(JSON.stringify(await of(name, state))).not.toMatch(/hush|token|secret|signature|password_hash/);
  });

  it('are listed page by page, and together', async () => {
    const [newest, older] = added['reports']!.waiting;
    const page = (number: number) =>
      queue(api, 'reports', `&status=waiting&page=${number}&jobsPerPage=1`, admin.headers);
    const [first, second, third] = [await page(1), await page(2), await page(3)];
    expect([first.pagination.pageCount, first.jobs[0]!.id, second.jobs[0]!.id, third.jobs]).toEqual([
      2,
      newest,
      older,
      [],
    ]);
    const latest = await queue(api, 'mail', '&status=latest', admin.headers);
    expect(latest.jobs.map(({ id }) => id)).toEqual(Object.values(added['mail']!).flat().toSorted().toReversed());
  });

  it('have their attempts as a log', async () => {
    const [, failed] = added['mail']!.failed;
    const { json } = await get(api, `${QUEUES}/mail/${failed}/logs`, admin.headers);
    expect(json).toEqual(['2026-01-02T03:04:05.000Z attempt 3: failed, SMTP 550 after 7 ms: No such mailbox']);
  });

  it('do not change by an act that the board refuses', async () => {
    const tables = ['requests', 'callback_deliveries', 'mail_messages', 'queue_pauses', 'actions'];
    const rows = async () => {
      const found: object[] = [];
      for (const table of tables) found.push(await sql(api, `SELECT t::text AS row FROM ${table} t ORDER BY 1`));
      return found;
    };
    const before = await rows();
    const refused = ROUTES.filter((route) => !route.startsWith('GET ') && !OFFERED.includes(route));
    expect(refused.length).toBeGreaterThan(12);
    for (const state of ['waiting', 'delayed', 'failed'] as const)
      for (const route of refused) {
        const [method = '', path = ''] = route.split(' ');
        const body = method === 'PUT' ? undefined : { name: 'x', data: {}, runAt: 1, priority: 1 };
        const job = added['mail']![state][0]!;
        const reply = await send(api, method, filled(path, job), { body, headers: admin.headers });
        expect([route, reply.status]).toEqual([route, 405]);
        expectProblem(reply, 405);
      }
    for (const path of [`reports/${added['reports']!.failed[0]}/retry`, 'reports/retry/failed', 'mail/retry/completed'])
      expectProblem(await put(api, path, admin.headers), 409);
    expectProblem(await put(api, `mail/${added['mail']!.completed[0]}/retry`, admin.headers), 409);
    expect(await rows()).toEqual(before);
  });

  it('of a paused queue that wait are paused', async () => {
    expect((await put(api, 'mail/pause', admin.headers)).status).toBe(200);
    const { counts, isPaused, jobs } = await queue(api, 'mail', '&status=paused', admin.headers);
    expect([isPaused, counts['waiting'], counts['paused'], counts['delayed']]).toEqual([true, 0, 1, 1]);
    expect(jobs.map(({ id }) => id)).toEqual(added['mail']!.waiting);
    expect((await get(api, `${QUEUES}/mail/${jobs[0]!.id}`, admin.headers)).json.status).toBe('paused');
    expect((await put(api, 'mail/resume', admin.headers)).status).toBe(200);
    expect((await queue(api, 'mail', '', admin.headers)).isPaused).toBe(false);
  });
});

describe('an act', () => {
  it('retries a failed callback, which is delivered again', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 410 });
    const body = { input_data: 'x', iterations: 1, callback_url: `${receiver.url}/hook?token=hush` };
    const { request_id: requestId } = (await post(open, '/api/async', body)).json as { request_id: string };
    const job = await eventually(async () => (await queue(open, 'callbacks', '&status=failed')).jobs[0] ?? null);
    expect(job.data).toMatchObject({ request_id: requestId, destination: receiver.url });
    expect((await get(open, `${QUEUES}/callbacks/${job.id}/logs`)).json).toEqual([
      expect.stringMatching(/attempt 1 \(first\): failed, status 410/),
    ]);
    await post(open, '/api/callbacks/urls/enable', { url: body.callback_url });
    receiver.answer({});
    expect((await put(open, `callbacks/${job.id}/retry`)).status).toBe(204);
    await eventually(async () => (await get(open, `${QUEUES}/callbacks/${job.id}`)).json.status === 'completed');
    expect(receiver.received).toHaveLength(2);
    expect((await queue(open, 'reports', '&status=completed')).jobs.map(({ id }) => id)).toContain(requestId);
  });

  it('retries kept mail, one message or all, and is on record', async () => {
    const ids = [await addKeptMail(open), await addKeptMail(open)];
    expect((await put(open, `mail/${ids[0]}/retry`)).status).toBe(204);
    const { json } = await put(open, 'mail/retry/failed');
    expect(json.retried).toBeGreaterThanOrEqual(1);
    await put(open, 'callbacks/pause');
    await put(open, 'resume');
    const { actions } = (await get(open, '/api/actions?limit=4')).json;
    expect(actions).toMatchObject([
      { action: 'queue.resume_all', target: null, actor: { kind: 'open' }, outcome: 'succeeded' },
      { action: 'queue.pause', target: 'callbacks' },
      { action: 'queue.retry_all', target: 'mail', detail: { count: json.retried } },
      { action: 'queue.retry', target: 'mail', detail: { job: ids[0] }, status: 204 },
    ]);
    expect((await queue(open, 'callbacks')).isPaused).toBe(false);
  });

  it.each([
    ['GET', 'nothing/retry', 404],
    ['GET', `mail/${UNKNOWN_ID}`, 404],
    ['GET', 'mail/none', 404],
    ['GET', 'mail/none/logs/more', 404],
    ['GET', `nothing/${UNKNOWN_ID}`, 404],
    ['PUT', 'nothing/pause', 404],
    ['PUT', 'nothing/retry/failed', 404],
    ['PUT', `mail/${UNKNOWN_ID}/retry`, 404],
    ['PUT', 'mail/none/retry', 404],
    ['PUT', 'nothing/none/retry', 404],
    ['GET', '../none', 404],
    ['GET', '%00/x', 404],
  ])('%s %s is a problem', async (method, path, status) => {
    const reply = await send(open, method, `${QUEUES}/${path}`);
    expectProblem(reply, status);
  });

  it.each([
    'page=0',
    'page=-1',
    'page=x',
    'page=1e9',
    'page=999999',
    'jobsPerPage=0',
    'jobsPerPage=51',
    'status=none',
    'activeQueue=%25',
    'activeQueue=%00',
    'page=1&page=2',
  ])('of a list with %s says what is wrong', async (query) =>
    expectProblem(await get(open, `${QUEUES}?${query}`), 422),
  );
});

describe('the page', () => {
  it('loads nothing from another host, under the usual policy', async () => {
    for (const path of ['', '/', '/queue/mail', `/queue/mail/${UNKNOWN_ID}?status=failed`]) {
      const page = await get(open, BOARD + path);
      expect([path, page.status, page.headers.get('content-type')]).toEqual([path, 200, 'text/html; charset=utf-8']);
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'self';script-src 'self';/);
      expect(page.text).not.toMatch(/<%|(?:src|href)="https?:/);
    }
    const { text } = await get(open, BOARD);
    const sources = [...text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, source]) => source!);
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources)
      expect([source, (await get(open, `${BOARD}/${source}`)).status]).toEqual([source, 200]);
    expect((await send(open, 'HEAD', BOARD)).status).toBe(200);
  });

  it('hides the acts that are off, by icons that the library still has', async () => {
    const { text } = await get(open, BOARD);
    const icons = [...text.matchAll(/button:has\(> \.lucide-([\w-]+)\)/g)].map(([, icon]) => icon!);
    const folder = new URL('../../node_modules/@bull-board/ui/dist/static/js/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    const scripts = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
    expect(icons.length).toBeGreaterThan(5);
    for (const icon of icons) expect([icon, scripts.includes(`"${icon}"`)]).toEqual([icon, true]);
  });

  it.each([
    '/static/none.js',
    '/static/%2e%2e/index.ejs',
    '/static/..%2f..%2fpackage.json',
    '/static/',
    '/none',
    '/api/none',
  ])('%s is 404', async (path) => expectProblem(await get(open, BOARD + path), 404));
});

describe('a caller', () => {
  const callers: Record<string, Record<string, string>> = {};
  beforeAll(async () => {
    callers['without credentials'] = {};
    callers['with an unknown key'] = { authorization: `Bearer ${admin.key.slice(0, -2)}xx` };
    callers['with a key without admin'] = (await createKey(api, ['reports:read', 'reports:write'])).headers;
    callers['organizer'] = (await registerUser(api, 'organizer')).headers;
    callers['customer'] = (await registerUser(api, 'customer')).headers;
  });

  const cookieOf = async (daybook: Daybook, key: string): Promise<Record<string, string>> => {
    const reply = await post(daybook, '/api/session', { api_key: key });
    return { cookie: reply.headers.get('set-cookie')!.split(';')[0]! };
  };

  it('who is no operator is refused by every route', async () => {
    const pages = [appRoutes.entryPoint.route].flat().filter((path) => !/schedulers|history/.test(path));
    const own = [
      ...pages.map((path) => `GET ${path}`),
      'GET /static/favicon.ico',
      'PUT /api/none',
      'DELETE /api/queues',
    ];
    for (const route of [...ROUTES, ...own]) {
      const [method = '', path = ''] = route.split(' ');
      const asked = Object.entries(callers).map(async ([caller, headers]) => {
        const reply = await send(api, method, filled(path, UNKNOWN_ID), { headers });
        const wanted = caller === 'without credentials' || caller === 'with an unknown key' ? 401 : 403;
        expect([route, caller, reply.status]).toEqual([route, caller, wanted]);
        expectProblem(reply, wanted);
      });
      await Promise.all(asked);
    }
    expect(await sql(api, 'SELECT queue FROM queue_pauses')).toEqual([]);
  });

  it('with a browser gets a page to sign in, with the same status', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    for (const [headers, status] of [
      [{}, 401],
      [callers['customer'], 403],
    ] as const) {
      const page = await get(api, `${BOARD}/queue/mail`, { ...headers, accept });
      expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
      expect(page.text).toContain('<form>');
      expect(page.text).not.toContain('static/js');
    }
    expect((await get(api, `${BOARD}/sign-in.js`)).headers.get('content-type')).toMatch(/^text\/javascript/);
    expectProblem(await get(api, QUEUES, { accept }), 401);
  });

  it('with the cookie of an admin key acts from pages of this origin only', async () => {
    const headers = await cookieOf(api, admin.key);
    expect((await get(api, BOARD, headers)).status).toBe(200);
    const foreignPages: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const foreign of foreignPages) {
      const reply = await put(api, 'mail/pause', { ...headers, ...foreign });
      expect([foreign, reply.status, reply.json.type]).toEqual([foreign, 403, 'urn:daybook:problem:foreign-origin']);
    }
    expect(
      (await put(api, 'mail/pause', { ...headers, origin: api.url, 'sec-fetch-site': 'same-origin' })).status,
    ).toBe(200);
    expect((await put(api, 'mail/resume', headers)).status).toBe(200);
    const [resumed] = (await get(api, '/api/actions?limit=1', admin.headers)).json.actions;
    expect(resumed).toMatchObject({ action: 'queue.resume', target: 'mail', actor: { kind: 'key', id: admin.id } });
  });

  it('with the cookie of a key without admin is refused', async () => {
    const headers = await cookieOf(api, (await createKey(api, ['books:read'])).key);
    expectProblem(await get(api, BOARD, headers), 403);
  });

  it('whose request was forwarded is on another machine, whatever the headers say', async () => {
    for (const address of ['203.0.113.5', '127.0.0.1', '::1', '127.0.0.1, 203.0.113.5']) {
      const headers = { 'x-forwarded-for': address };
      expect([address, (await get(open, BOARD, headers)).status]).toEqual([address, 403]);
      expectProblem(await put(open, 'mail/pause', headers), 403);
      expectProblem(await get(open, '/api/mail', headers), 403);
    }
    expectProblem(await get(open, BOARD, { forwarded: 'for=127.0.0.1' }), 403);
    const { key } = await createKey(open, ['admin']);
    expect((await get(open, BOARD, { ...(await cookieOf(open, key)), 'x-forwarded-for': '203.0.113.5' })).status).toBe(
      200,
    );
  });

  it('has the limits of other routes', async () => {
    const { headers } = await get(open, QUEUES);
    expect(headers.get('ratelimit-policy')).toBe('"default";q=500;w=3600');
    const body = JSON.stringify({ a: 'x'.repeat(300_000) });
    expectProblem(await send(open, 'PUT', `${QUEUES}/mail/pause`, { body }), 413);
  });
});

it('is not served by a worker', async () => {
  const env = { DATABASE_URL: api.databaseUrl, REDIS_URL: await redisUrl() };
  const worker = await startDaybook({ role: 'worker', env });
  for (const path of ['', '/api/queues', '/sign-in.js']) expectProblem(await get(worker, BOARD + path), 404);
  await worker.stop();
});
