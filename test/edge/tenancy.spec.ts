/**
 * An account sees its own requests, files, lanes, callbacks, idempotency keys and limits, and nothing of other
 * accounts on any route. A resource of another account is a 404 like an unknown one.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { type EventStream, openEvents } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { createKey, type TestKey } from '../support/keys.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

/** A UUIDv7 of today, because files older than the retention time are rejected by their name. */
const UNKNOWN_ID = uuidv7();
const MAX_PENDING = 3;

/** An account with a key for reading and writing reports. */
interface Tenant extends TestKey {
  accountId: string;
}

let daybook: Daybook;
let receiver: Receiver;
let acme: Tenant;
let globex: Tenant;
let admin: TestKey;
/** The data of acme: a completed sync request with a file, and an async one with a delivered callback. */
let file: string;
let syncId: string;
let asyncId: string;

async function tenant(target: Daybook, account: string): Promise<Tenant> {
  const key = await createKey(target, ['reports:read', 'reports:write'], { account });
  const [row] = await sql<{ id: string }>(target, 'SELECT id FROM accounts WHERE name = $1', [account]);
  return { ...key, accountId: row!.id };
}

beforeAll(async () => {
  receiver = await startReceiver();
  const env = { ...UNLIMITED, AUTH: 'required', MAX_PENDING: String(MAX_PENDING), SWEEP_INTERVAL: '100ms' };
  daybook = await startDaybook({ env });
  acme = await tenant(daybook, 'acme');
  globex = await tenant(daybook, 'globex');
  admin = await createKey(daybook, ['admin'], { account: 'operators' });
  const created = await post(daybook, '/api/sync', { num_transactions: 5, report_name: 'Secret' }, acme.headers);
  ({ request_id: syncId, file_name: file } = created.json);
  asyncId = (await call(acme, { callback_url: `${receiver.url}/acme` })).json.request_id;
  await finished(acme, asyncId);
});

function call({ headers }: TestKey, body: object = {}, more: Record<string, string> = {}): Promise<Reply> {
  const request = { num_transactions: 5, lane: 'shared', callback_url: null, ...body };
  return post(daybook, '/api/async', request, { ...headers, ...more });
}

const see = ({ headers }: TestKey, path: string) => get(daybook, path, headers);

/** Waits until the request is completed and its callback, if any, is delivered. */
function finished(by: TestKey, id: string): Promise<unknown> {
  return eventually(async () => {
    const { json } = await see(by, `/api/requests/${id}`);
    return json.status === 'COMPLETED' && json.callback_status !== 'PENDING';
  });
}

const idsOf = ({ json }: Reply): string[] => json.requests.map(({ id }: { id: string }) => id);

/** Every documented route with this scope, with its path parameters filled in. */
async function routes(scope: string, fill: Record<string, string>): Promise<{ method: string; path: string }[]> {
  const { paths } = (await get(daybook, '/openapi.json')).json as {
    paths: Record<string, Record<string, { security?: Record<string, string[]>[] }>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { security }]) => security?.[0]?.['api_key']?.[0] === scope)
      .map(([method]) => {
        return { method: method.toUpperCase(), path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill[name]!) };
      }),
  );
}

describe('a resource of another account', () => {
  const fill = (id: string, fileName: string) => ({ id, file_name: fileName, lane: 'shared' });

  it('is a 404 on every route, like an unknown one', async () => {
    let count = 0;
    for (const id of [syncId, asyncId]) {
      for (const scope of ['reports:read', 'reports:write']) {
        const theirs = await routes(scope, fill(id, file));
        const unknownOnes = await routes(scope, fill(UNKNOWN_ID, file.replace(syncId, UNKNOWN_ID)));
        for (const [index, { method, path }] of theirs.entries()) {
          if (!path.includes(id) && !path.includes(file)) continue;
          const request = { headers: globex.headers, ...(method === 'PATCH' && { body: { is_active: false } }) };
          const [reply, unknown] = [
            await send(daybook, method, path, request),
            await send(daybook, method, unknownOnes[index]!.path, request),
          ];
          expect([method, path, reply.status]).toEqual([method, path, 404]);
          expectProblem(reply, 404);
          const { instance: _, ...problem } = reply.json;
          const { instance: __, ...problemOfUnknown } = unknown.json;
          expect(problem).toEqual(problemOfUnknown);
          count++;
        }
      }
    }
    expect(count).toBeGreaterThanOrEqual(11);
    // Its owner still has it.
    expect((await see(acme, `/api/requests/${asyncId}`)).json.status).toBe('COMPLETED');
    expect((await see(acme, `/api/reports/${file}`)).text).toContain('TXN-00005');
  });

  it('is in no list, with any filter', async () => {
    const own = (await call(globex, { callback_url: `${receiver.url}/globex` })).json.request_id as string;
    await finished(globex, own);
    const traces = [syncId, asyncId, file, acme.accountId, `${receiver.url}/acme`, 'acme', 'Secret'];
    const lists = (await routes('reports:read', {})).filter(({ path }) => !path.includes('undefined'));
    expect(lists.length).toBeGreaterThanOrEqual(4);
    const filtered = [
      '/api/requests?lane=shared',
      '/api/requests?mode=sync',
      '/api/requests?report=transactions',
      '/api/requests?status=COMPLETED',
      '/api/callbacks?status=SUCCESS',
      `/api/callbacks?destination=${encodeURIComponent(receiver.url)}`,
      '/api/lanes?limit=1000',
      `/api/requests?lane=${acme.accountId}/shared`,
    ];
    for (const path of [...lists.map((list) => list.path), ...filtered]) {
      const { text } = await see(globex, path);
      for (const trace of traces) expect([path, text.includes(trace) ? trace : 'nothing']).toEqual([path, 'nothing']);
    }
    expect(idsOf(await see(globex, '/api/requests'))).toEqual([own]);
    expect(idsOf(await see(acme, '/api/requests')).toSorted()).toEqual([syncId, asyncId].toSorted());
    const callbacksOf = async (by: TestKey) =>
      (await see(by, '/api/callbacks')).json.callbacks.map(({ request_id }: { request_id: string }) => request_id);
    expect([await callbacksOf(acme), await callbacksOf(globex)]).toEqual([[asyncId], [own]]);
  });

  it('is in no live view, whatever happens to it', async () => {
    const stream = await openEvents(daybook, '/api/live', globex.headers);
    const theirs = await openEvents(daybook, '/api/live', acme.headers);
    const shown = ({ events }: EventStream) => JSON.stringify(events);
    const foreign = (await call(acme, { lane: 'only-of-acme' })).json.request_id as string;
    await eventually(() => expect(shown(theirs)).toContain(foreign));
    const own = (await call(globex, { lane: 'only-of-globex' })).json.request_id as string;
    await eventually(() => expect(shown(stream)).toContain(own));
    await finished(acme, foreign);
    await finished(globex, own);
    stream.close();
    theirs.close();
    for (const trace of [foreign, syncId, asyncId, acme.accountId, 'only-of-acme', 'Secret']) {
      expect(shown(stream)).not.toContain(trace);
    }
    expect(shown(theirs)).not.toContain('only-of-globex');
  });

  it('is not deleted by another account', async () => {
    const before = idsOf(await see(acme, '/api/requests'));
    await send(daybook, 'DELETE', '/api/requests', { headers: globex.headers });
    expect(idsOf(await see(globex, '/api/requests'))).toEqual([]);
    expect(idsOf(await see(acme, '/api/requests'))).toEqual(before);
    expect((await see(acme, `/api/reports/${file}`)).status).toBe(200);
  });
});

describe('an account sees', () => {
  it('lane names without a prefix in acknowledgements, requests, lists, callbacks and errors', async () => {
    const created = await call(acme, { lane: 'named', callback_url: `${receiver.url}/named` });
    expect(created.json).toMatchObject({
      lane: 'named',
      message: 'Accepted at position 1 of lane named; 0 unfinished before it.',
    });
    await finished(acme, created.json.request_id);
    const replies = [
      await see(acme, `/api/requests/${created.json.request_id}`),
      await see(acme, '/api/requests?lane=named'),
      await see(acme, '/api/lanes'),
      await see(acme, '/api/callbacks'),
    ];
    for (const { text } of replies) {
      expect(text).toContain('"lane":"named"');
      expect(text).not.toContain(acme.accountId);
    }
    const { json, raw } = receiver.received.find(({ path }) => path === '/named')!;
    expect(json.request_id).toBe(created.json.request_id);
    expect(raw.toString()).not.toContain(acme.accountId);
  });

  it('the callbacks of its sync requests', async () => {
    const body = { input_data: 'x', iterations: 1, callback_url: `${receiver.url}/sync` };
    const { request_id } = (await post(daybook, '/api/sync', body, acme.headers)).json;
    await finished(acme, request_id);
    const { json } = await see(acme, '/api/callbacks');
    expect(json.callbacks[0]).toMatchObject({ request_id, lane: request_id, status: 'SUCCESS' });
  });
});

describe('lanes with the same name', () => {
  it('count, fill, pause and drain separately', async () => {
    for (const { accountId } of [acme, globex]) await holdLane(daybook, `${accountId}/same`);
    for (const position of [1, 2, 3]) {
      for (const by of [acme, globex]) expect((await call(by, { lane: 'same' })).json.queue_position).toBe(position);
    }
    const full = await call(acme, { lane: 'same' });
    expectProblem(full, 503);
    expect(full.json.detail).toBe(
      `Lane same has ${MAX_PENDING} unfinished requests, which is the limit. Nothing was accepted.`,
    );
    await send(daybook, 'POST', '/api/lanes/same/pause', { headers: globex.headers });
    const stateOf = async (by: TestKey) => {
      const { lanes } = (await see(by, '/api/lanes')).json as { lanes: { lane: string; paused: boolean }[] };
      return lanes.find(({ lane }) => lane === 'same');
    };
    expect(await stateOf(globex)).toMatchObject({ pending: 3, paused: true });
    expect(await stateOf(acme)).toMatchObject({ pending: 3, paused: false });
    for (const { accountId } of [acme, globex]) await releaseLane(daybook, `${accountId}/same`);
    await eventually(async () => expect(await stateOf(acme)).toMatchObject({ pending: 0, in_progress: 0 }));
    expect(await stateOf(globex)).toMatchObject({ pending: 3, paused: true });
    await send(daybook, 'POST', '/api/lanes/same/resume', { headers: globex.headers });
    await eventually(async () => expect(await stateOf(globex)).toMatchObject({ pending: 0, in_progress: 0 }));
  });

  it('are paged by the names of their account', async () => {
    const names = ['a', 'B', '_c', '0', 'z.1'];
    for (const by of [acme, globex])
      for (const lane of names) await send(daybook, 'POST', `/api/lanes/${lane}/resume`, { headers: by.headers });
    const seen: string[] = [];
    for (let after = ''; ; after = seen.at(-1)!) {
      const { lanes } = (await see(globex, `/api/lanes?limit=2&after=${after}`)).json;
      if (lanes.length === 0) break;
      seen.push(...lanes.map(({ lane }: { lane: string }) => lane));
    }
    expect(seen).toEqual(expect.arrayContaining(names));
    expect(new Set(seen).size).toBe(seen.length);
  });
});

it('show the worker that has leased them only to operators', async () => {
  const lane = `${acme.accountId}/held`;
  await holdLane(daybook, lane);
  const heldBy = async (headers: Record<string, string>): Promise<unknown> => {
    const { lanes } = (await get(daybook, '/api/lanes?limit=1000', headers)).json;
    return lanes.find((view: { lane: string }) => view.lane === 'held').held_by;
  };
  const operator = { ...admin.headers, 'Daybook-Account': 'acme' };
  expect([await heldBy(acme.headers), await heldBy(operator)]).toEqual([null, expect.stringMatching(/./)]);
  await releaseLane(daybook, lane);
});

describe('idempotency keys', () => {
  it('are separate between accounts', async () => {
    const key = { 'Idempotency-Key': 'july' };
    const [first, second] = [await call(acme, { lane: 'keys' }, key), await call(globex, { lane: 'keys' }, key)];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    expect(second.json.request_id).not.toBe(first.json.request_id);
  });

  it('are shared by all API keys of an account, so they survive a rotation', async () => {
    const key = { 'Idempotency-Key': 'rotated' };
    const old = await tenant(daybook, 'acme');
    const first = await call(old, { lane: 'keys' }, key);
    const rotated = await send(daybook, 'POST', `/api/keys/${old.id}/rotate`, { headers: admin.headers });
    const again = await call(
      { ...old, headers: { authorization: `Bearer ${rotated.json.key}` } },
      { lane: 'keys' },
      key,
    );
    expect([again.headers.get('idempotency-replayed'), again.text]).toEqual(['true', first.text]);
  });
});

describe('an admin key', () => {
  it('acts for its own account, or for the one in Daybook-Account', async () => {
    const named = { ...admin.headers, 'Daybook-Account': 'acme' };
    expectProblem(await see(admin, `/api/requests/${syncId}`), 404);
    expect((await get(daybook, `/api/requests/${syncId}`, named)).json.id).toBe(syncId);
    const set = await send(daybook, 'PUT', '/api/lanes/shared', { headers: named, body: { priority: 60 } });
    expect(set.json).toMatchObject({ lane: 'shared', priority: 60 });
    const priorities = await sql(daybook, `SELECT name FROM lanes WHERE priority = 60`);
    expect(priorities).toEqual([{ name: `${acme.accountId}/shared` }]);
  });

  it('gets 404 for an unknown account; other keys may not name an account', async () => {
    expectProblem(await get(daybook, '/api/requests', { ...admin.headers, 'Daybook-Account': 'unknown' }), 404);
    for (const name of ['globex', 'acme', 'unknown'])
      expectProblem(await get(daybook, '/api/requests', { ...acme.headers, 'Daybook-Account': name }), 403);
  });
});

it('limits count each key separately, from any address', async () => {
  const env = { AUTH: 'required', DATABASE_URL: daybook.databaseUrl, RATE_LIMIT_DEFAULT: '3/1m' };
  const limited = await startDaybook({ env });
  const statuses = async ({ headers }: TestKey) => {
    const replies: number[] = [];
    for (let n = 0; n < 5; n++) replies.push((await get(limited, '/api/report-types', headers)).status);
    return replies;
  };
  expect(await statuses(acme)).toEqual([200, 200, 200, 429, 429]);
  expect(await statuses(globex)).toEqual([200, 200, 200, 429, 429]);
});

describe('with AUTH=open', () => {
  let open: Daybook;
  beforeAll(async () => {
    open = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL: daybook.databaseUrl } });
  });

  it('requests that were accepted belong to no account', async () => {
    const { request_id, file_name } = (await post(open, '/api/sync', { num_transactions: 5 })).json;
    for (const by of [acme, globex, admin]) {
      expectProblem(await see(by, `/api/requests/${request_id}`), 404);
      expectProblem(await see(by, `/api/reports/${file_name}`), 404);
    }
  });

  it('the lanes of all accounts are paged, also with the longest names', async () => {
    const name = 'x'.repeat(64);
    await send(daybook, 'POST', `/api/lanes/${name}/resume`, { headers: acme.headers });
    const seen: string[] = [];
    for (let after = ''; ; after = seen.at(-1)!) {
      const { status, json } = await get(open, `/api/lanes?limit=1&after=${encodeURIComponent(after)}`);
      expect([after, status]).toEqual([after, 200]);
      if (json.lanes.length === 0) break;
      seen.push(json.lanes[0].lane);
    }
    expect(seen).toContain(`${acme.accountId}/${name}`);
  });
});
