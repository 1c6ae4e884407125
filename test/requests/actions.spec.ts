/**
 * Every write over HTTP or the command line, except the creation of requests, is in the action log, with its actor,
 * action, time, from where, and its outcome. An account sees its own actions, an operator all of them.
 */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, type Reply, send } from '../support/client.js';
import { DATABASE_ENVIRONMENT } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey, type TestKey } from '../support/keys.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { holdLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { file, importClient } from '../books/import-fixture.js';
import { OPEN_ACTOR, WRITES, accept, finished } from './actions-writes.js';

/**
 * Routes that write and are not recorded: they create requests, only receive, or refuse what the queue board does not
 * do.
 */
const UNRECORDED = [
  'DELETE /admin/queues/api/*path',
  'PATCH /admin/queues/api/*path',
  'POST /admin/queues/api/*path',
  'POST /api/async',
  'POST /api/batch',
  'POST /api/callbacks/receive',
  'POST /api/sync',
  'PUT /admin/queues/api/*path',
];

const ROUTES = fileURLToPath(new URL('../support/routes.js', import.meta.url));
const KEYS = fileURLToPath(new URL('../../dist/src/cli/keys.main.js', import.meta.url));
const DAY_MS = 86_400_000;

interface Action {
  id: string;
  at: string;
  action: string;
  target: string | null;
  detail: Record<string, unknown> | null;
  outcome: string;
  status: number | null;
  actor: { kind: string; id: string | null; name: string | null };
  account: string | null;
  request_id: string | null;
  address: string | null;
}

let receiver: Receiver;
let open: Daybook;
let required: Daybook;
let admin: TestKey;
/** The action of each route that is not GET; null if it is unrecorded, and empty if it declares neither. */
let declared: Record<string, string | null>;
beforeAll(async () => {
  const [actions, ...started] = await Promise.all([
    promisify(execFile)(process.execPath, [ROUTES, '--actions']),
    startReceiver(),
    startDaybook({ env: { ...UNLIMITED, SWEEP_INTERVAL: '100ms', ACTION_RETENTION: '1d' } }),
    startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } }),
  ]);
  [receiver, open, required] = started;
  declared = JSON.parse(actions.stdout) as Record<string, string | null>;
  receiver.answerWith(({ path }) => (path === '/gone' ? { status: 410 } : {}));
  admin = await createKey(required, ['admin'], { account: 'operators' });
});

async function actionsOf(daybook: Daybook, query = '', headers?: Record<string, string>): Promise<Action[]> {
  const reply = await get(daybook, `/api/actions${query}`, headers);
  expect(reply.status).toBe(200);
  return reply.json.actions as Action[];
}

async function keysCommand(daybook: Daybook, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, ...DATABASE_ENVIRONMENT, DATABASE_URL: daybook.databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, [KEYS, ...args], {
    cwd: await temporaryFolder(),
    env,
  });
  return stdout.trim();
}

const KEY_ROUTES = ['POST /api/keys', 'POST /api/keys/{id}/rotate', 'POST /api/keys/{id}/revoke'];

describe('the routes', () => {
  it('declare an action if they write, or are on the list of exceptions', () => {
    const routes = Object.entries(declared);
    // A route without @Action or @Unrecorded is recorded too, under its path. It should declare a name.
    expect(routes.filter(([, action]) => action === '')).toEqual([]);
    const exempt = routes.filter(([, action]) => action === null);
    expect(exempt.map(([route]) => route).sort()).toEqual(UNRECORDED);
    for (const [, action] of routes) if (action !== null) expect(action).toMatch(/^[a-z_]+\.[a-z_]+$/);
  });

  it('are all called below', () => {
    const routes = Object.keys(declared).filter((route) => !UNRECORDED.includes(route));
    expect(routes.sort()).toEqual([...Object.keys(WRITES), ...KEY_ROUTES].sort());
  });

  it.each(Object.keys(WRITES))('%s is recorded', async (route) => {
    const {
      path,
      body,
      headers,
      target = null,
      detail = null,
      actor = OPEN_ACTOR,
    } = await WRITES[route]!({ daybook: open, receiver });
    const before = await actionsOf(open);
    const reply = await send(open, route.split(' ')[0]!, path, { body, headers });
    expect([reply.text, reply.status < 300]).toEqual([reply.text, true]);
    const [added, ...others] = await actionsOf(open, '?limit=200');
    expect(others.map(({ id }) => id).slice(0, 40)).toEqual(before.map(({ id }) => id).slice(0, 40));
    expect(added).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      action: declared[route],
      target,
      detail,
      outcome: 'succeeded',
      status: reply.status,
      actor,
      account: null,
      request_id: reply.headers.get('x-request-id'),
      address: expect.stringMatching(/127\.0\.0\.1$/),
    });
    expect(Math.abs(Date.parse(added!.at) - Date.now())).toBeLessThan(DAY_MS);
  });

  it('do not record refused requests, nor the creation of requests', async () => {
    const before = await actionsOf(open);
    await send(open, 'POST', `/api/requests/${uuidv7()}/cancel`);
    await send(open, 'PUT', '/api/lanes/b', { body: { priority: 'high' } });
    await send(open, 'POST', '/api/keys', { body: { name: 'x', scopes: ['admin'] } });
    await send(open, 'POST', '/api/sync', { body: { input_data: 'x', iterations: 1 } });
    await accept({ daybook: open, receiver }, 'a');
    expect(await actionsOf(open)).toEqual(before);
  });

  it('store no token of a URL, and no body', async () => {
    const rows = await sql<{ row: string }>(open, 'SELECT a::text AS row FROM actions a');
    expect(rows.length).toBeGreaterThan(Object.keys(WRITES).length - 1);
    expect(rows.map(({ row }) => row).join('\n')).not.toMatch(
      /hush|hook|input_data|horse|passw0rd|db[rsp]_|eyJ|users\.example/,
    );
  });
});

describe('with keys', () => {
  const see = ({ headers }: TestKey, query = '') => actionsOf(required, query, headers);
  const by = ({ headers }: TestKey, method: string, path: string, body?: object): Promise<Reply> =>
    send(required, method, path, { body, headers });
  const FULL = ['reports:read', 'reports:write'] as const;

  it('an action names its key and account, and an account sees its own actions', async () => {
    const acme = await createKey(required, [...FULL], { account: 'acme' });
    const globex = await createKey(required, [...FULL], { account: 'globex' });
    await holdLane(required, 'x');
    const id = await accept({ daybook: required, receiver }, 'l', acme.headers);
    await finished({ daybook: required }, id, acme.headers);
    await by(acme, 'DELETE', `/api/requests/${id}`);
    await by(globex, 'DELETE', '/api/requests');
    const [own, ...more] = await see(acme);
    expect(more).toEqual([]);
    expect(own).toMatchObject({
      action: 'request.delete',
      target: id,
      account: 'acme',
      actor: { kind: 'key', id: acme.id, name: 'test' },
      address: expect.stringMatching(/127\.0\.0\.1$/),
    });
    expect((await see(globex)).map(({ action }) => action)).toEqual(['request.delete_all']);
    const all = await see(admin);
    expect(all.map(({ account }) => account)).toEqual(expect.arrayContaining(['acme', 'globex']));
    expect(await see(acme, `?target=${id}&action=request.delete`)).toEqual([own]);
    expect(await see(globex, `?target=${id}`)).toEqual([]);
  });

  it('an operator that acts for an account is recorded as an operator, without its name for the account', async () => {
    const tenant = await createKey(required, ['reports:read'], { account: 'tenant' });
    const asTenant = { ...admin.headers, 'daybook-account': 'tenant' };
    const reply = await send(required, 'DELETE', '/api/requests', { headers: asTenant });
    expect(reply.status).toBe(200);
    const [hidden] = await see(tenant);
    expect(hidden).toMatchObject({
      account: 'tenant',
      actor: { kind: 'operator', id: null, name: null },
      address: null,
    });
    expect(await actionsOf(required, '', asTenant)).toMatchObject([{ id: hidden!.id, actor: { id: admin.id } }]);
  });

  it('needs the scope reports:read', async () => {
    const writer = await createKey(required, ['reports:write']);
    expectProblem(await get(required, '/api/actions', writer.headers), 403, '/api/actions');
    expectProblem(await get(required, '/api/actions'), 401, '/api/actions');
  });

  it('keys over HTTP are recorded, without their text', async () => {
    const body = { name: 'ci', account: 'acme', scopes: ['reports:read'] };
    const created = (await by(admin, 'POST', '/api/keys', body)).json;
    const rotated = (await by(admin, 'POST', `/api/keys/${created.id}/rotate`)).json;
    await by(admin, 'POST', `/api/keys/${created.id}/revoke`);
    expect(await see(admin, '?limit=3')).toMatchObject([
      { action: 'key.revoke', target: created.id, account: 'operators', actor: { kind: 'key', id: admin.id } },
      { action: 'key.rotate', target: created.id, detail: { new_id: rotated.id } },
      { action: 'key.create', target: created.id, detail: body },
    ]);
    const rows = await sql<{ row: string }>(required, 'SELECT a::text AS row FROM actions a');
    for (const { key } of [created, rotated]) expect(JSON.stringify(rows)).not.toContain(key.slice(-20));
  });

  it('the command line is recorded with the user of the operating system', async () => {
    const key = await keysCommand(
      required,
      'create',
      '--name',
      'night',
      '--scope',
      'reports:read',
      '--account',
      'acme',
    );
    const id = key.slice(4, 40);
    const successor = (await keysCommand(required, 'rotate', id)).slice(4, 40);
    await Promise.all([keysCommand(required, 'revoke', id), keysCommand(required, 'list')]);
    const actor = { kind: 'command-line', id: null, name: userInfo().username };
    const common = { target: id, actor, account: null, status: null, request_id: null, address: null };
    expect(await see(admin, '?limit=3')).toMatchObject([
      { action: 'key.revoke', detail: null, ...common },
      { action: 'key.rotate', detail: { new_id: successor }, ...common },
      { action: 'key.create', detail: { name: 'night', account: 'acme', scopes: ['reports:read'] }, ...common },
    ]);
  });
});

describe('the list', () => {
  it('has pages, and filters by action, target and time', async () => {
    for (let count = 0; count < 5; count++) await send(open, 'PUT', '/api/lanes/paged', { body: { priority: count } });
    const all = await actionsOf(open, '?target=paged&limit=200');
    expect(all.map(({ detail }) => detail!['priority'])).toEqual([4, 3, 2, 1, 0]);
    const seen: Action[] = [];
    let cursor = '';
    do {
      const { json } = await get(open, `/api/actions?target=paged&action=lane.prioritize&limit=2${cursor}`);
      seen.push(...json.actions);
      cursor = json.next_cursor === null ? '' : `&cursor=${json.next_cursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(all);
    const { at } = all[2]!;
    const offset = encodeURIComponent(at.replace('Z', '+00:00'));
    const since = await actionsOf(open, `?target=paged&since=${offset}`);
    const until = await actionsOf(open, `?target=paged&until=${offset}`);
    expect(since).toEqual(all.filter((one) => one.at >= at));
    expect(until).toEqual(all.filter((one) => one.at <= at));
    const basic = encodeURIComponent(at.replace('Z', '000000+0000'));
    expect(await actionsOf(open, `?target=paged&since=${basic}`)).toEqual(since);
  });

  it.each([
    'limit=0',
    'limit=201',
    'cursor=x',
    'since=yesterday',
    'until=2026-01-01T00:00Z',
    'since=0001-01-01T00:00:00%2B01:00',
    'unknown=1',
  ])('refuses %s', async (query) => {
    expectProblem(await get(open, `/api/actions?${query}`), 422, '/api/actions');
  });

  it('loses entries after ACTION_RETENTION', async () => {
    await send(open, 'PUT', '/api/lanes/old', { body: { priority: 1 } });
    await send(open, 'PUT', '/api/lanes/new', { body: { priority: 1 } });
    await sql(open, `UPDATE actions SET at = now() - interval '25 hours' WHERE target = 'old'`);
    await eventually(async () => (await actionsOf(open, '?target=old')).length === 0);
    expect(await actionsOf(open, '?target=new')).toHaveLength(1);
  });
});

it('records a write with an idempotency key once, and does not record its repeats', async () => {
  const headers = { 'Idempotency-Key': uuidv7() };
  const body = { name: 'Once', email: `${uuidv7()}@once.example` };
  const replies = [];
  for (let time = 0; time < 3; time++) replies.push(await send(open, 'POST', '/api/customers', { body, headers }));
  expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
  const ids = replies.map((reply) => reply.headers.get('x-request-id'));
  const recorded = (await actionsOf(open, '?action=customer.create&limit=200')).filter((action) =>
    ids.includes(action.request_id),
  );
  expect(recorded).toMatchObject([{ target: replies[0]!.json.id, outcome: 'succeeded', status: 201 }]);
});

describe('a 503 of a limit', () => {
  const statusesSince = async (before: Action[]): Promise<(number | null)[]> => {
    const known = new Set(before.map(({ id }) => id));
    return (await actionsOf(open, '?limit=200')).filter(({ id }) => !known.has(id)).map(({ status }) => status);
  };

  it('is not recorded for an import beyond the limit of the account', async () => {
    const { upload, send: importFile } = importClient(() => open);
    const before = await actionsOf(open, '?limit=200');
    const uploads = [upload(), upload()];
    for (const { request } of uploads) request.write(file());
    await eventually(async () => {
      const { imports } = (await get(open, '/api/orders/imports?limit=2')).json;
      return imports.every(({ status }: { status: string }) => status === 'running');
    });
    expectProblem(await importFile(file()), 503);
    for (const { request } of uploads) request.end();
    for (const { reply } of uploads) expect(await reply).toMatchObject({ status: 200 });
    expect(await statusesSince(before)).toEqual([200, 200]);
  });

  it('is not recorded for a ping beyond the limit of the account', async () => {
    const before = await actionsOf(open, '?limit=200');
    receiver.answerWith(() => ({ delayMs: 1_000 }));
    const body = { url: `${receiver.url}/slow` };
    const pings = await Promise.all(
      Array.from({ length: 40 }, () => send(open, 'POST', '/api/callbacks/test', { body })),
    );
    receiver.answerWith(() => ({}));
    const sent = pings.filter(({ status }) => status === 200).length;
    expect(pings.filter(({ status }) => status === 503)).toHaveLength(40 - sent);
    expect(sent).toBeLessThan(40);
    expect(await statusesSince(before)).toEqual(Array<number>(sent).fill(200));
  });
});

it('keeps the write and records it later when the log cannot be written', async () => {
  await sql(open, 'ALTER TABLE actions RENAME TO actions_away');
  const reply = await send(open, 'PUT', '/api/lanes/late', { body: { priority: 7 } });
  expect([reply.status, reply.json.priority]).toEqual([200, 7]);
  expect(open.output()).toMatch(/Not recorded yet.*lane\.prioritize/);
  await sql(open, 'ALTER TABLE actions_away RENAME TO actions');
  const [late] = await eventually(async () => {
    const found = await actionsOf(open, '?target=late');
    return found.length > 0 && found;
  });
  expect(late).toMatchObject({ action: 'lane.prioritize', request_id: reply.headers.get('x-request-id') });
});
