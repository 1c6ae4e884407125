/**
 * Sends random inputs to every operation of the API description. Each response has a documented status and a body that
 * matches its schema, and none is an internal error. A refused request stores nothing, and memory use does not grow.
 * `CONTRACT_INPUTS` sets the number of inputs and `CONTRACT_SEED` the seed; a failure prints the seed and the input.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { Pool } from 'undici';
import { v7 as uuidv7 } from 'uuid';
import { qualifiedLane } from '../../src/platform/tenant.js';
import { get, send } from '../support/client.js';
import { HELD, type Input, type Known, type Operation, inputs, known, receiver } from '../support/contract-inputs.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey } from '../support/keys.js';
import { addKeptMail } from '../support/mail.js';
import { readDereferenced } from '../support/openapi.js';
import { holdLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { type TestUser, registerUser } from '../support/users.js';

const INPUTS = Number(process.env.CONTRACT_INPUTS ?? 2_500);
const SEED = Number(process.env.CONTRACT_SEED ?? Date.now() % 2 ** 31);
/** Inputs of a batch, sent concurrently. Afterwards the test counts the requests they stored. */
const AT_ONCE = 20;
/** Additional batches for operations that have not succeeded yet. */
const MORE_BATCHES = 200;
/** Upper limit for a response, even on a slow machine. */
const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 600_000 + INPUTS * 20;
/** Upper limit for the growth of the heap. */
const GROWTH_LIMIT_BYTES = 64 * 2 ** 20;

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/**
 * Operations that random inputs may never succeed with: load tests (see contract-inputs.ts), a URL that answered 410,
 * cancellation of requests that are pending for milliseconds, passwords and tokens. Other tests cover them.
 */
const BEYOND_CHANCE =
  /^\/api\/(benchmark\/|callbacks\/urls\/enable$|requests\/[^/]+\/cancel$|auth\/(login|refresh|logout|password|reset\/confirm)$|session$)/;

let daybook: Daybook;
let pool: Pool | undefined;
let operations: Operation[];
let credentials: Record<string, string>;
let organizer: TestUser;
let customer: TestUser;
const answered = new Map<string, Map<number, number>>();

afterAll(() => pool?.close());

/** Starts a service for a group of tests and reads its API description. */
async function begin(AUTH: 'open' | 'required'): Promise<void> {
  // A small heap is collected often, so its size is close to the retained memory, and a leak ends the process.
  const settings = { AUTH, CALLBACK_RETRY_DELAYS: '1ms', NODE_OPTIONS: '--max-old-space-size=128' };
  daybook = await startDaybook({ env: { ...UNLIMITED, ...settings } });
  receiver.url = `${daybook.url}/api/callbacks/receive`;
  credentials = AUTH === 'open' ? {} : (await createKey(daybook, ['admin'])).headers;
  organizer = await registerUser(daybook, 'organizer');
  customer = await registerUser(daybook, 'customer');
  await pool?.close();
  pool = new Pool(daybook.url, { connections: AT_ONCE, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
  const { paths } = await readDereferenced<{ paths: Record<string, Record<string, object>> }>(daybook);
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, described]) => Object.assign(described, { method: method.toUpperCase(), path }) as Operation,
    ),
  );
  for (const list of Object.values(known)) list.length = 0;
  answered.clear();
  // Requests in this lane stay pending, so they can be cancelled.
  await holdLane(daybook, qualifiedLane(AUTH === 'open' ? null : 'default', HELD));
  // No route creates mail.
  for (let index = 0; index < 5; index++) known.mail.push(await addKeptMail(daybook));
  // Counts every stored request, including those deleted since.
  await sql(
    daybook,
    `CREATE TABLE stored (id uuid);
     CREATE FUNCTION note_stored() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN INSERT INTO stored VALUES (NEW.id); RETURN NULL; END $$;
     CREATE TRIGGER stored AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION note_stored()`,
  );
}

/** Returns credentials that may call an operation. */
function credentialsFor({ security = [] }: Operation): Record<string, string> {
  const role = security.find((scheme) => scheme['user_token'])?.['user_token']?.[0];
  if (role === 'organizer') return organizer.headers;
  return security.some((scheme) => scheme['user_token']) ? customer.headers : credentials;
}

async function ask({ operation, url, headers, body }: Input): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await pool!.request({
    method: operation.method,
    path: url,
    headers: { ...credentialsFor(operation), ...type, ...headers },
    body: body ?? null,
  });
  const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
  const text = isStream ? await firstEvent(response.body) : await response.body.text();
  return { status: response.statusCode, headers: response.headers, text };
}

/** Reads the first event of a stream, which may have no end, and closes the connection. */
async function firstEvent(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const bytes of body) {
    text += bytes.toString();
    if (text.includes('\n\n')) break;
  }
  return text;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
const validators = new Map<object, ValidateFunction>();

function errorsIn(schema: object, value: unknown): string | null {
  const validate = validators.get(schema) ?? ajv.compile(schema);
  validators.set(schema, validate);
  return validate(value) ? null : ajv.errorsText(validate.errors);
}

function jsonOf(text: string): unknown {
  try {
    // Clients may ignore a byte order mark (RFC 8259, section 8.1).
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

/** Returns a problem with a response, or null. */
function wrong({ operation, body }: Input, { status, headers, text }: Answer): string | null {
  const described = operation.responses[status];
  if (!described) return 'the status is not described';
  // The demo receiver returns the status that the caller asks for.
  if (status >= 500 && status !== 503 && operation.path !== '/api/callbacks/receive') return 'an internal error';
  if (!headers['x-request-id']) return 'there is no request id';
  if (status === 304 || (described.content === undefined && text === '')) return null;
  const type = String(headers['content-type']);
  const media = described.content?.[type] ?? described.content?.[type.split(';')[0]!];
  if (!media) return `the media type ${type} is not described`;
  if (status === 503 && !headers['retry-after']) return 'there is no Retry-After';
  const value = /json\b/.test(type) ? jsonOf(text) : text;
  const problem = media.schema ? errorsIn(media.schema, value) : null;
  if (problem) return `the body does not agree with its schema: ${problem}`;
  if (status < 300 && typeof body === 'string' && isAgainstSchema(operation, body))
    return 'an invalid body was accepted';
  return null;
}

function isAgainstSchema({ requestBody }: Operation, body: string): boolean {
  const schema = requestBody?.content['application/json']?.schema;
  return schema !== undefined && body !== '' && errorsIn(schema, jsonOf(body)) !== null;
}

/** Returns the number of requests that a response reports as stored. Replays and duplicates store none. */
function storedBy({ operation }: Input, { status, headers, text }: Answer): number {
  if (status >= 300 || headers['idempotency-replayed']) return 0;
  const answer = jsonOf(text) as { requests?: object[]; status?: string };
  if (operation.path === '/api/batch') return answer.requests!.length;
  if (operation.path === '/api/schedules/{id}/run') return 1;
  return /^\/api\/(a?sync)$/.test(operation.path) && answer.status !== 'duplicate' ? 1 : 0;
}

function remember({ operation, body }: Input, { status, text }: Answer): void {
  const key = `${operation.method} ${operation.path}`;
  const counts = answered.get(key) ?? new Map<number, number>();
  answered.set(key, counts.set(status, (counts.get(status) ?? 0) + 1));
  if (operation.method !== 'POST' || status >= 300) return;
  const answer = jsonOf(text) as
    (Partial<Record<'id' | 'key' | 'request_id' | 'file_name', string>> & { number?: number }) | undefined;
  keep('requests', answer?.request_id);
  keep('files', answer?.file_name);
  if (typeof body === 'string' && body.includes('/callbacks/receive')) keep('called', answer?.request_id);
  if (answer?.key !== undefined) keep('keys', answer.id);
  if (operation.path === '/api/journal/entries' && answer?.number) keep('entries', String(answer.number));
  if (/\/(redeliver|bulk)$/.test(operation.path)) keep('redeliveries', answer?.id);
  if (operation.path === '/api/customers') keep('customers', answer?.id);
  if (operation.path === '/api/schedules') keep('schedules', answer?.id);
  if (operation.path === '/api/events') keep('events', answer?.id);
  if (operation.path === '/api/bookings') keep('bookings', answer?.id);
  if (operation.path === '/api/orders') keep('orders', answer?.id);
  if (operation.path === '/api/orders/import') keep('imports', answer?.id);
  if (operation.path === '/api/orders/{id}/pay') {
    keep('paidOrders', answer?.id);
    known.orders = known.orders.filter((id) => id !== answer?.id);
  }
}

/** Creates customers, one of whom has no orders and can be deleted, drafts and a paid order that no input has changed yet. */
async function provideOrders(): Promise<void> {
  const create = async (path: string, body?: object): Promise<string> =>
    (await send(daybook, 'POST', path, { body, headers: credentials })).json.id as string;
  const createCustomer = () => create('/api/customers', { name: 'A', email: `${uuidv7()}@customer.example` });
  const customer_id = await createCustomer();
  known.customers = [customer_id, await createCustomer()];
  const order = { customer_id, items: [{ sku: 'x', quantity: 1, unit_price_cents: 1 }] };
  known.orders = [await create('/api/orders', order), await create('/api/orders', order)];
  known.paidOrders = [await create('/api/orders', order)];
  await create(`/api/orders/${known.paidOrders[0]}/pay`);
}

/** Creates a key that no input has rotated or revoked yet. */
async function provideKey(): Promise<void> {
  const body = { name: 'A', account: 'a', scopes: ['reports:read'] };
  const { status, json } = await send(daybook, 'POST', '/api/keys', { body, headers: credentials });
  expect(status).toBe(201);
  known.keys = [json.id as string];
}

/** Creates an event and bookings that no input has changed yet. */
async function provideBookings(): Promise<void> {
  const body = { title: 'A', date: '2099-01-01T00:00:00Z', location: 'B', total_tickets: 9, price_cents: 5 };
  const event = await send(daybook, 'POST', '/api/events', { body, headers: organizer.headers });
  known.events = [event.json.id as string];
  const booking = { body: { event_id: event.json.id, num_tickets: 1 }, headers: customer.headers };
  const made = await Promise.all([1, 2].map(() => send(daybook, 'POST', '/api/bookings', booking)));
  known.bookings = made.map(({ json }) => json.id as string);
}

/** Creates a schedule that no input has changed yet. */
async function provideSchedule(): Promise<void> {
  const report = { report: 'digest', payload: { input_data: 'x', iterations: 1 }, callback_url: null };
  const body = { name: 'A', ...report, every: 'month', on: 'last', at: '06:00', is_active: false };
  const { json } = await send(daybook, 'POST', '/api/schedules', { body, headers: credentials });
  known.schedules = [json.id as string];
}

/** Keeps the newest ids of each kind. */
function keep(kind: Known, value: string | undefined): void {
  if (value !== undefined && known[kind].unshift(value) > 200) known[kind].pop();
}

function shown({ operation, url, headers, body }: Input, { status, text }: Answer): string {
  const sent = { method: operation.method, url, headers, body: typeof body === 'string' ? body.slice(0, 2_000) : body };
  return `${JSON.stringify(sent)}\nanswered ${status} ${text.slice(0, 1_000)}`;
}

/** Returns how many requests were stored since the last call, except those of due times. */
async function stored(): Promise<number> {
  const text = `WITH gone AS (DELETE FROM stored RETURNING id) SELECT count(*)::int AS count FROM gone
    WHERE NOT EXISTS (SELECT FROM schedule_runs WHERE request_id = gone.id AND due_at IS NOT NULL)`;
  const [row] = await sql<{ count: number }>(daybook, text);
  return row!.count;
}

async function check(batch: Input[]): Promise<void> {
  const answers = await Promise.all(batch.map(ask));
  for (const [index, input] of batch.entries()) {
    const answer = answers[index]!;
    const problem = wrong(input, answer);
    if (problem) throw new Error(`${problem}:\n${shown(input, answer)}`);
    remember(input, answer);
  }
  const kept = await stored();
  const reported = batch.map((input, index) => storedBy(input, answers[index]!)).reduce((sum, count) => sum + count, 0);
  if (kept !== reported) {
    const all = batch.map((input, index) => shown(input, answers[index]!)).join('\n\n');
    throw new Error(`${kept} requests were stored, but the responses reported ${reported}:\n${all}`);
  }
}

/** Reports only the failed input. The whole counterexample is too long to read. */
async function expectHolds<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  const { failed, numRuns: run, errorInstance } = await fc.check(property, { numRuns, seed: SEED, endOnFailure: true });
  if (failed) throw new Error(`CONTRACT_SEED=${SEED}, batch ${run}: ${String((errorInstance as Error)?.message)}`);
}

async function heapBytes(): Promise<number> {
  const { text } = await get(daybook, '/metrics');
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)![1]);
}

describe.each(['required', 'open'] as const)(`${INPUTS / 2} inputs from the seed ${SEED} with AUTH=%s`, (AUTH) => {
  beforeAll(() => begin(AUTH));

  it(
    'get documented responses, and refused requests are not stored',
    async () => {
      const heaps: number[] = [];
      let runs = 0;
      const batches = fc.array(inputs(operations), { minLength: AT_ONCE, maxLength: AT_ONCE });
      const property = fc.asyncProperty(batches, async (batch) => {
        await check(batch);
        if (++runs % 10 === 0) heaps.push(await heapBytes());
      });
      await expectHolds(property, Math.ceil(INPUTS / 2 / AT_ONCE));
      expectNoGrowth(heaps);
    },
    TIMEOUT_MS,
  );

  it(
    'reach every operation, and succeed where that is possible',
    async () => {
      const isClosed = (path: string) => BEYOND_CHANCE.test(path) || (AUTH === 'open' && path.startsWith('/api/keys'));
      const unreached = () =>
        operations.filter(({ method, path }) => {
          const statuses = [...(answered.get(`${method} ${path}`)?.keys() ?? [])];
          return statuses.length === 0 || (!isClosed(path) && !statuses.some((status) => status < 400));
        });
      // Operations that the inputs above did not reach are sent more often, together with operations that create their
      // objects.
      for (let round = 1; round <= MORE_BATCHES && unreached().length > 0; round++) {
        const makers = operations.filter(
          ({ method, path }) => method === 'POST' && !/^\/api\/orders\/(?!import$)/.test(path),
        );
        const chosen = [...makers, ...Array.from({ length: 24 }, unreached).flat()];
        await provideOrders();
        if (AUTH === 'required') await provideKey();
        await provideSchedule();
        await provideBookings();
        await check(fc.sample(inputs(chosen), { numRuns: AT_ONCE, seed: SEED + round }));
      }
      expect(unreached().map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('lead to no failure in the log', () => expectNoFailureLogged());
});

function expectNoFailureLogged(): void {
  const failures = daybook
    .output()
    .split('\n')
    .filter((line) => /ERROR|FATAL/.test(line));
  expect(failures).toEqual([]);
}

/**
 * Compares the minimum of the last quarter with that of the second. A minimum follows a garbage collection, so it is
 * close to the retained memory.
 */
function expectNoGrowth(heaps: number[]): void {
  const quarter = Math.floor(heaps.length / 4);
  if (quarter === 0) return;
  const early = Math.min(...heaps.slice(quarter, 2 * quarter));
  const late = Math.min(...heaps.slice(-quarter));
  expect(late - early).toBeLessThan(GROWTH_LIMIT_BYTES);
}

describe('malformed HTTP', () => {
  // The service of the previous group runs with AUTH=open. Start one if this group runs alone.
  beforeAll(async () => {
    if (!pool) await begin('open');
  });

  const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'get', 'FOO', ''];
  const TARGETS = String.raw`/api/sync /api/async/ //api/sync /api/../api/sync /%61pi/sync /API/SYNC /api/sync;a=b * ?
    /api/sync%00 /api/requests/%2e%2e/x /api/sync#x http://x/api/sync /\..\ /api//sync /api/requests/..%2f..%2f
    /docs/../../etc/passwd /docs/..%2f..%2fpackage.json /healthz?% /.env /api/é`.split(/\s+/);
  const LINES =
    `Content-Length: 2|Content-Length: -1|Content-Length: 2, 2|Content-Length: 9999999999|Host: a|Host:|: x|X y: z
    |Transfer-Encoding: chunked|Transfer-Encoding: gzip, chunked|Content-Type: application/json|Content-Type:|X-A: a\0b|\tx
    |Expect: 100-continue|Expect: x|Upgrade: h2c|Connection: close|Idempotency-Key: a|Idempotency-Key: b|Range: bytes=0-
    |Content-Encoding: gzip|X-Request-Id: \u00ff`.split(/\s*\n?\s*\|/);
  LINES.push(`X-A: ${'a'.repeat(17_000)}`);
  TARGETS.push('', `/${'a'.repeat(9_000)}`);
  const raw = fc
    .record({
      method: fc.constantFrom(...METHODS),
      target: fc.constantFrom(...TARGETS),
      version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''),
      lines: fc.array(fc.constantFrom(...LINES), { maxLength: 5 }),
      body: fc.constantFrom('', '{}', '{"callback_url":null}', '2\r\n{}\r\n0\r\n\r\n', 'zz\r\n', '\r\n\r\n'),
      end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'),
    })
    .map(({ method, target, version, lines, body, end }) =>
      [`${method} ${target} ${version}`, 'Host: localhost', ...lines, '', body].join(end),
    );

  /** Sends bytes, half-closes the connection, and returns all bytes that come back. */
  function exchange(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(daybook.url).port), '127.0.0.1');
      let answer = '';
      socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
      socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no end')));
      // A reset connection is a valid response too.
      socket
        .on('close', () => resolve(answer))
        .on('error', (error) => (error.message === 'no end' ? reject(error) : undefined));
      socket.end(bytes, 'latin1');
    });
  }

  it(
    'gets a response or a closed connection, and never an internal error',
    async () => {
      const property = fc.asyncProperty(fc.array(raw, { minLength: 1, maxLength: AT_ONCE }), async (all) => {
        for (const [index, answer] of (await Promise.all(all.map(exchange))).entries()) {
          const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
          const failed = statuses.filter((status) => status >= 500 && status !== 503);
          expect([all[index], answer, failed]).toEqual([all[index], answer, []]);
        }
      });
      await expectHolds(property, Math.ceil(INPUTS / AT_ONCE / 10));
      expectNoFailureLogged();
      expect((await get(daybook, '/healthz')).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});
