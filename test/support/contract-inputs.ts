import fc from 'fast-check';
import { type JsonSchema, mutated, strange, valid } from './json-schema.js';

export interface Operation {
  method: string;
  path: string;
  parameters?: { in: string; name: string; required?: boolean; schema?: JsonSchema }[];
  security?: Record<string, string[]>[];
  requestBody?: { required?: boolean; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

export interface Input {
  operation: Operation;
  url: string;
  headers: Record<string, string | string[]>;
  body: string | Buffer | undefined;
}

/** A lane that no worker leases, so its requests stay pending and can be cancelled. */
export const HELD = 'held';
/** A URL that accepts callbacks: the service under test. */
export const receiver = { url: '' };
/** Ids that earlier responses contained, some of which still exist. Paths need them to find anything. */
export const known = {
  requests: [] as string[],
  called: [] as string[],
  keys: [] as string[],
  redeliveries: [] as string[],
  files: [] as string[],
  customers: [] as string[],
  orders: [] as string[],
  paidOrders: [] as string[],
  imports: [] as string[],
  mail: [] as string[],
  entries: [] as string[],
  events: [] as string[],
  bookings: [] as string[],
  schedules: [] as string[],
};
export type Known = keyof typeof known;

/**
 * Whether an operation starts a benchmark run, which stores many requests and takes seconds. Runs are refused here;
 * test/benchmark/benchmark.spec.ts tests them.
 */
const isRun = ({ method, path }: Operation): boolean => method === 'POST' && path.startsWith('/api/benchmark/');

/** Bodies that seed few orders. The schema allows 200,000. */
function seedingLittle(body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const few = { customers: fc.integer({ min: 1, max: 3 }), orders_per_customer: fc.integer({ min: 0, max: 3 }) };
  return fc.tuple(body, fc.record(few)).map(([given, chosen]) => Object.assign(given as object, chosen));
}

/** Bodies that schedule a report that exists. The schema of a schedule has no parameters of reports. */
function schedulingSome(body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const report = { report: 'digest', payload: { input_data: 'x', iterations: 1 }, format: null, compress: null };
  const possible = fc.constantFrom({ ...report, on: null }, report, { ...report, payload: { iterations: -1 } }, {});
  return fc.tuple(body, possible).map(([given, chosen]) => Object.assign(given as object, chosen));
}

const isImport = ({ method, path }: Operation): boolean => method === 'POST' && path === '/api/orders/import';

/** An id from {@link known}, chosen when the request is sent. */
function lookedUp(kind: Known): fc.Arbitrary<string> {
  return fc.nat(1_000_000).map((index) => known[kind][index % Math.max(1, known[kind].length)] ?? 'none');
}
/** Lines that balance, or are off by one. Random lines would never balance. */
const journalLines = fc
  .record({
    account: fc.constantFrom('assets:cash', 'income:orders', 'expenses:fees:card', 'equity:own', 'assets'),
    currency: fc.constantFrom('USD', 'EUR', 'JPY', 'usd'),
    amount: fc.integer({ min: -5, max: 1_000 }),
    off: fc.constantFrom(0, 0, 0, 0, 1),
  })
  .map(({ account, currency, amount, off }) => [
    { ledger_account: account, currency, amount_cents: amount },
    { ledger_account: 'assets:bank', currency, amount_cents: off - amount },
  ]);

/** Values that are valid and cheap to work on, and callback URLs that are ours or refused. */
function cheap(field: string): fc.Arbitrary<unknown> | null {
  if (field === 'at') return fc.constantFrom('06:00', '23:59', '00:00', '24:00');
  if (field === 'timezone') return fc.constantFrom('UTC', 'Europe/Zurich', 'Pacific/Apia', 'Mars/Olympus');
  if (field === 'iterations') return fc.integer({ min: 1, max: 300 });
  if (field === 'num_transactions') return fc.integer({ min: 1, max: 60 });
  if (field === 'lane') return fc.constantFrom('default', HELD, 'b:c', 'x'.repeat(64));
  if (field === 'lines') return journalLines;
  if (field === 'input_data') return fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' });
  if (field === 'customer_id') return lookedUp('customers');
  if (field === 'event_id') return lookedUp('events');
  if (field === 'num_tickets') return fc.constantFrom(1, 1, 2, 2_000_000);
  if (field === 'date')
    return fc.constantFrom('2099-06-01T19:00:00Z', '2098-06-01T19:00:00+02:00', '2001-01-01T00:00:00Z');
  if (field === 'total_tickets') return fc.constantFrom(1_000, 5_000, 0);
  if (field === 'currency') return fc.constantFrom('USD', 'EUR', 'JPY', 'usd');
  if (field === 'email') return fc.uuid().map((id) => `${id}@customer.example`);
  if (field === 'expire_old_after' || field === 'expires_in') return fc.constantFrom('1d', '0s', '90d', 'soon');
  if (field === 'callback_url' || field === 'url') {
    const uncallable = [
      'http://10.0.0.1/',
      'https://u:p@example.com/',
      'ftp://x/',
      '',
      `http://a.example/${'x'.repeat(2_048)}`,
    ];
    return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(null, receiver.url) }, fc.constantFrom(...uncallable));
  }
  return null;
}

const rawBodies = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '5',
    '{"a":1}{"b":2}',
    '{"a":1,}',
    "{'a':1}",
    '\ufeff{}',
    'NaN',
    '1e999',
  ),
  fc.constantFrom('{"input_data":"x","input_data":"y","callback_url":null}', '['.repeat(20_000), '{"a":'.repeat(5_000)),
  fc.constant(' '.repeat(257 * 1_024)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text, 'utf16le')),
  fc.string().map((text) => Buffer.from(`{"input_data":"${text}é","callback_url":null}`, 'latin1')),
);

const importLine = fc
  .record({
    ref: fc.oneof(fc.uuid(), fc.nat(50).map(String), fc.string({ unit: 'grapheme' })),
    email: fc.oneof(
      { weight: 6, arbitrary: fc.uuid().map((id) => `${id}@customer.example`) },
      fc.string({ unit: 'grapheme' }),
    ),
    status: fc.constantFrom('', 'draft', 'paid', 'shipped', 'cancelled', 'lost'),
    quantity: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 9 }).map(String) }, fc.string()),
  })
  .map(({ ref, email, status, quantity }) => {
    const cells = [ref, email, status, 'A-1', quantity, '100'];
    return cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',');
  });
/** Files of orders, some of them malformed. */
const importFiles = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(fc.oneof({ weight: 8, arbitrary: importLine }, fc.string({ unit: 'grapheme' })), { maxLength: 20 })
      .map((lines) => ['external_ref,customer_email,status,sku,quantity,unit_price_cents', ...lines].join('\r\n')),
  },
  fc
    .array(fc.oneof(strange, valid({ type: 'object' }, cheap)), { maxLength: 5 })
    .map((values) => values.map((value) => JSON.stringify(value) ?? '').join('\n')),
  rawBodies,
);

/** Bodies whose effects are small, and that are likely to have one. */
function reduced(operation: Operation, body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (operation.path === '/api/dev/seed') return seedingLittle(body);
  if (!operation.path.startsWith('/api/schedules')) return body;
  const change = fc.constantFrom({ is_active: false }, { name: 'B' }, { at: '07:00' });
  return operation.method === 'POST' ? schedulingSome(body) : fc.oneof(body, change);
}

function bodyOf(operation: Operation): fc.Arbitrary<string | Buffer | undefined> {
  if (isImport(operation)) return importFiles;
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (!schema) return fc.option(fc.constantFrom('{}', '[]', 'x'), { nil: undefined, freq: 30 });
  const good = reduced(operation, valid(schema, cheap));
  if (isRun(operation)) return good.map((body) => JSON.stringify({ ...(body as object), colour: 'red' }));
  const texts = (value: fc.Arbitrary<unknown>) => value.map((body) => JSON.stringify(body) ?? '');
  return fc.oneof(
    { weight: 8, arbitrary: texts(good) },
    { weight: 8, arbitrary: texts(mutated(good)) },
    { weight: 1, arbitrary: texts(strange) },
    { weight: 2, arbitrary: rawBodies },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** Percent-encodes text. Lone surrogates are not Unicode and have no encoding. */
function encoded(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
}

const SEGMENTS = [
  'x',
  '1',
  '..',
  '.',
  '%2e%2e%2f',
  '%00',
  '%ff',
  '%E0%80',
  'a%20b',
  '%F0%9F%92%A9',
  "'",
  '*',
  'x'.repeat(2_000),
];

/** Returns the kind of id that a path parameter takes. */
function knownFor(path: string, name: string): Known | null {
  if (name === 'file_name') return 'files';
  if (name === 'number') return 'entries';
  if (name !== 'id') return null;
  if (path.startsWith('/api/keys')) return 'keys';
  if (path.startsWith('/api/customers')) return 'customers';
  if (path.startsWith('/api/schedules')) return 'schedules';
  if (path.startsWith('/api/events')) return 'events';
  if (path.startsWith('/api/bookings')) return 'bookings';
  if (path.startsWith('/api/mail')) return 'mail';
  if (path.startsWith('/api/orders/imports')) return 'imports';
  if (path.startsWith('/api/orders')) return path.endsWith('/ship') ? 'paidOrders' : 'orders';
  if (path.startsWith('/api/callbacks/redeliveries')) return 'redeliveries';
  return path.endsWith('/redeliver') ? 'called' : 'requests';
}

function segmentOf(path: string, name: string, schema: JsonSchema = {}): fc.Arbitrary<string> {
  const kind = knownFor(path, name);
  const likely = kind ? lookedUp(kind) : (cheap(name) ?? valid(schema, cheap));
  return fc.oneof(
    { weight: 6, arbitrary: likely.map((value) => encoded(String(value))) },
    { weight: 2, arbitrary: fc.uuid() },
    { weight: 2, arbitrary: fc.constantFrom(...SEGMENTS) },
    {
      weight: 1,
      arbitrary: fc.string({ minLength: 1, unit: 'grapheme' }).map((text) => encoded(text)),
    },
  );
}

function pathOf({ path, parameters = [] }: Operation): fc.Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const schemaOf = (name: string) => parameters.find((one) => one.name === name)?.schema;
  const segments = names.map((name) => segmentOf(path, name, schemaOf(name)));
  const filled = fc.tuple(...segments).map((values) => {
    let index = 0;
    return path.replaceAll(/\{\w+\}/g, () => values[index++]!);
  });
  return fc.tuple(filled, fc.constantFrom('', '', '', '', '', '/')).map(([text, end]) => text + end);
}

function queryOf({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const fields = parameters.filter((parameter) => parameter.in === 'query');
  const pair = fc.oneof(
    ...fields.map(({ name, schema = {} }) => valid(schema, cheap).map((value) => [name, String(value)] as const)),
    ...fields.map(({ name }) => strange.map((value) => [name, String(JSON.stringify(value))] as const)),
    fc.constantFrom(
      ...([
        ['colour', 'red'],
        ['__proto__', 'x'],
        ['limit[a]', '1'],
        ['', ''],
        ['a[]', '1'],
      ] as const),
    ),
  );
  const rendered = fc.array(pair, { maxLength: 3 }).map((pairs) => {
    return pairs.length > 0 ? `?${pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}` : '';
  });
  const odd = fc.constantFrom('?', '?&&=', '?limit=%ff', '?limit', `?${'a=1&'.repeat(2_000)}`, '?limit=1&limit=2');
  const none = { weight: 3, arbitrary: fc.constant('') };
  return fields.length > 0 ? fc.oneof(none, { weight: 6, arbitrary: rendered }, odd) : fc.oneof(none, odd);
}

const MEDIA_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'nonsense',
  'application/json; charset=latin1',
  'application/xml',
];
const latin1 = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, 'é').trim());
const keyOf = fc.oneof(
  fc.nat(500).map((n) => `key-${n}`),
  fc.uuid(),
  latin1,
  fc.constantFrom('', '""', '"a"', 'x'.repeat(256)),
);

const headersOf: fc.Arbitrary<Record<string, string | string[]>> = fc.record(
  {
    'content-type': fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom('application/json', 'application/json; charset=utf-8', 'application/vnd.x+json'),
      },
      fc.constantFrom(...MEDIA_TYPES),
    ),
    'idempotency-key': fc.oneof({ weight: 5, arbitrary: keyOf }, fc.array(keyOf, { minLength: 2, maxLength: 2 })),
    'x-idempotency-key': keyOf,
    prefer: fc.oneof(
      fc.constantFrom('respond-async', 'wait=1', 'wait=0', 'wait=-1', 'wait=9999999999', 'wait="1"', ',;='),
      latin1,
    ),
    range: fc.oneof(
      fc.constantFrom('bytes=0-10', 'bytes=-1', 'bytes=9999999-', 'bytes=5-1', 'lines=1-2', 'bytes=0-0,2-3'),
      latin1,
    ),
    'if-none-match': fc.constantFrom('*', '"x"', 'W/"x"', ''),
    'if-range': fc.constantFrom('"x"', 'yesterday'),
    'x-request-id': latin1,
    'x-forwarded-for': fc.constantFrom('127.0.0.1', 'unknown', '::1, x'),
    'content-encoding': fc.constantFrom('identity', 'gzip', 'br', 'rot13'),
    accept: fc.constantFrom('application/json', 'text/html', '*/*;q=0', ''),
    authorization: fc.constantFrom('Bearer x', 'Basic eA==', 'Bearer'),
    origin: fc.constantFrom('null', 'https://evil.example'),
    'sec-fetch-site': fc.constantFrom('none', 'cross-site'),
    'last-event-id': fc.constantFrom('1', 'x'),
  },
  { requiredKeys: [] },
);
/** Half of the requests have no unusual header. Otherwise nearly all would be refused because of one. */
const fewHeaders = fc.tuple(headersOf, fc.array(fc.nat(13), { maxLength: 2 }), fc.nat(9)).map(([all, picks, dice]) => {
  const names = Object.keys(all);
  const picked = dice < 5 ? [] : picks.map((pick) => names[pick % Math.max(1, names.length)]!).filter(Boolean);
  return Object.fromEntries(picked.map((name) => [name, all[name]!]));
});

const importType = fc
  .constantFrom('text/csv', 'text/csv; charset=utf-8', 'application/x-ndjson')
  .map((type) => ({ 'content-type': type }));

/** Creates are sent most often and the deletion of all requests least often, so that other operations find data. */
function weightOf({ method, path }: Operation): number {
  if (/^\/api\/(sync|async|batch)$/.test(path)) return 15;
  if (/\/redeliver|^\/api\/requests\/\{id\}$/.test(path)) return 9;
  return /^\/api\/requests(\/bulk)?$/.test(path) && method !== 'GET' ? 1 : 3;
}

/** Kept by operation, because making them takes longer than sending some inputs. */
const made = new WeakMap<Operation, fc.Arbitrary<Input>>();

function inputsOf(operation: Operation): fc.Arbitrary<Input> {
  const kept = made.get(operation);
  if (kept) return kept;
  const arbitrary = fc.record({
    operation: fc.constant(operation),
    url: fc.tuple(pathOf(operation), queryOf(operation)).map(([path, query]) => path + query),
    headers: isImport(operation)
      ? fc.tuple(fewHeaders, importType).map(([few, type]) => Object.assign({}, type, few))
      : fewHeaders,
    body: bodyOf(operation),
  });
  made.set(operation, arbitrary);
  return arbitrary;
}

/** Inputs for the operations of an API description: valid ones, slightly wrong ones, and nonsense. */
export function inputs(operations: Operation[]): fc.Arbitrary<Input> {
  const weighted = operations.flatMap((operation) => Array<Operation>(weightOf(operation)).fill(operation));
  return fc.oneof(...weighted.map(inputsOf));
}
