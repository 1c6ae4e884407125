import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import { catalogueOf } from './catalogue.js';
import { defineReport, type ReportDefinition } from './define-report.js';
import { reportRequest, reportRequestExamples, reportRequestJsonSchema } from './report-request.schema.js';
import digest from './types/digest/digest.report.js';
import transactions from './types/transactions/transactions.report.js';

/** A report type that no request implies, so that it has to be named. */
const ledger: ReportDefinition = {
  ...defineReport({
    type: 'ledger',
    title: 'Ledger',
    params: z.strictObject({ year: z.int().min(2000).optional() }),
    compute: () => ({}),
  }),
  formats: ['csv', 'ndjson'],
};
const reports = catalogueOf(
  [transactions, digest, ledger].map((definition) => [definition.type, { default: definition }]),
);

const ajv = new Ajv2020({ allErrors: true });
addFormats.default(ajv);
const schemas = { sync: reportRequest('sync', reports), async: reportRequest('async', reports) };
const jsonSchemas = {
  sync: ajv.compile(reportRequestJsonSchema('sync', reports)),
  async: ajv.compile(reportRequestJsonSchema('async', reports)),
};
const DEFAULTS = { num_transactions: 50, report_name: 'Monthly_Report' };

/** Issues as `path: message`, sync unless told otherwise. */
function issuesOf(body: unknown, mode: 'sync' | 'async' = 'sync'): string[] {
  const { error } = schemas[mode].safeParse(body);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('reportRequest', () => {
  it.each([
    [{}, 'transactions', DEFAULTS],
    [{ payload: {} }, 'transactions', DEFAULTS],
    [{ num_transactions: 7 }, 'transactions', { ...DEFAULTS, num_transactions: 7 }],
    [{ payload: { num_transactions: 7 } }, 'transactions', { ...DEFAULTS, num_transactions: 7 }],
    [{ input_data: 'x' }, 'digest', { input_data: 'x', iterations: 50_000 }],
    [{ payload: { input_data: 'x' } }, 'digest', { input_data: 'x', iterations: 50_000 }],
    [{ report: 'digest', input_data: 'x', iterations: 1 }, 'digest', { input_data: 'x', iterations: 1 }],
    [{ report: 'ledger', year: 2025 }, 'ledger', { year: 2025 }],
    [{ report: 'ledger', payload: {} }, 'ledger', {}],
  ])('reads %j as a %s report', (body, report, params) => {
    expect(schemas.sync.parse(body)).toMatchObject({ report, params });
  });

  it('takes the fields around the parameters, and fills in lane and format', () => {
    const callback_url = 'https://example.com/hook';
    expect(schemas.async.parse({ callback_url, lane: 'a.b:c-1', report: 'ledger', format: 'ndjson' })).toEqual({
      report: 'ledger',
      params: {},
      paramsAt: '',
      callbackUrl: callback_url,
      lane: 'a.b:c-1',
      format: 'ndjson',
    });
    expect(schemas.async.parse({ callback_url: null })).toMatchObject({
      callbackUrl: null,
      lane: 'default',
      format: 'csv',
    });
    expect(schemas.sync.parse({}).callbackUrl).toBeUndefined();
  });

  it('asks async callers for a callback_url, which may be null', () => {
    expect(issuesOf({}, 'async')).toEqual(['callback_url: is required; give null to poll instead']);
    expect(issuesOf({ callback_url: null }, 'async')).toEqual([]);
    expect(issuesOf({}, 'sync')).toEqual([]);
  });

  it('names the path that the caller wrote', () => {
    expect(issuesOf({ payload: { num_transactions: 0 } })).toEqual([
      expect.stringMatching(/^payload\.num_transactions: /),
    ]);
    expect(issuesOf({ num_transactions: 0 })).toEqual([expect.stringMatching(/^num_transactions: /)]);
  });

  it('names every unknown field by itself', () => {
    expect(issuesOf({ a: 1, b: 2 })).toEqual([
      'a: is not a parameter of this report',
      'b: is not a parameter of this report',
    ]);
    expect(issuesOf({ payload: { a: 1 }, num_transactions: 1 })).toEqual([
      'payload.a: is not a parameter of this report',
      'num_transactions: is not a field beside payload; parameters go in it',
    ]);
    expect(issuesOf({ report: 'transactions', input_data: 'x' })).toEqual([
      'input_data: is not a parameter of this report',
    ]);
  });

  it('does not answer a flood of unknown fields with a flood of issues', () => {
    const flood = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field_${index}`, 1]));
    expect(issuesOf(flood).length).toBeLessThan(50);
  });

  it.each(['nonsense', '', 'toString', '__proto__', 5, null, ['digest']])(
    'lists the report types for report %j',
    (report) => {
      expect(issuesOf({ report })).toEqual(['report: must be one of the report types: transactions, digest, ledger']);
    },
  );

  it.each([undefined, null, [], 'text', 5])('explains the expected body for %j', (body) => {
    expect(issuesOf(body)).toEqual([': must be a JSON object, sent as application/json']);
  });

  it('reports all mistakes at once', () => {
    const issues = issuesOf({ num_transactions: '50', report_name: '/', lane: 'a b', callback_url: 5, format: 'pdf' });
    const paths = issues.map((issue) => issue.split(':')[0]);
    expect(new Set(paths)).toEqual(new Set(['callback_url', 'format', 'lane', 'num_transactions', 'report_name']));
  });

  it('keeps its paths inside a batch', () => {
    const batch = z.strictObject({ requests: z.array(reportRequest('async', reports)) });
    const { error } = batch.safeParse({ requests: [{ callback_url: null }, { num_transactions: 1 }] });
    expect(error?.issues.map(({ path }) => path)).toEqual([['requests', 1, 'callback_url']]);
  });
});

const url = (length: number): string => 'https://a/'.padEnd(length, 'x');

const SAMPLES: [body: unknown, isValid: boolean][] = [
  ...[1, 50, 1_000_000].map((num_transactions): [object, boolean] => [{ num_transactions }, true]),
  ...[0, -1, 50.5, 1_000_001, '50', null, true, [], {}].map((num_transactions): [object, boolean] => [
    { num_transactions },
    false,
  ]),
  ...['Q1_Report', 'a', '..', 'A b.c-d', 'x'.repeat(100)].map((report_name): [object, boolean] => [
    { report_name },
    true,
  ]),
  ...['', 'x'.repeat(101), 'a/b', 'é', 'a\n', 5].map((report_name): [object, boolean] => [{ report_name }, false]),
  ...['2025-11-22', '2024-02-29'].map((as_of): [object, boolean] => [{ as_of }, true]),
  ...['2025-02-29', '22.11.2025', '2025-11-22T00:00:00Z', '1700-01-01', 5, null].map((as_of): [object, boolean] => [
    { as_of },
    false,
  ]),
  ...['x', 'x'.repeat(10_000)].map((input_data): [object, boolean] => [{ input_data }, true]),
  ...['', 'x'.repeat(10_001), 5].map((input_data): [object, boolean] => [{ input_data }, false]),
  [{ input_data: 'x', iterations: 1_000_000 }, true],
  [{ input_data: 'x', iterations: 1_000_001 }, false],
  [{ input_data: 'x', iterations: 0 }, false],
  [{ input_data: 'x', num_transactions: 5 }, false],
  [{ iterations: 5 }, false],
  [{}, true],
  [{ payload: {} }, true],
  [{ payload: { num_transactions: 200, report_name: 'Annual' } }, true],
  [{ payload: { input_data: 'x' } }, true],
  [{ payload: { input_data: 'x' }, report: 'digest' }, true],
  [{ payload: { input_data: 'x' }, report: 'transactions' }, false],
  [{ payload: {}, report: 'digest' }, false],
  [{ payload: {}, num_transactions: 5 }, false],
  [{ payload: { lane: 'a' } }, false],
  ...[null, [], 'x', 5].map((payload): [object, boolean] => [{ payload }, false]),
  [{ report: 'transactions' }, true],
  [{ report: 'digest' }, false],
  [{ report: 'ledger' }, true],
  [{ report: 'ledger', format: 'ndjson' }, true],
  [{ report: 'ledger', payload: { year: 2025 } }, true],
  [{ year: 2025 }, false],
  ...['nope', 5, null].map((report): [object, boolean] => [{ report }, false]),
  ...['default', 'A-Z_0.9:x', 'x'.repeat(64)].map((lane): [object, boolean] => [{ lane }, true]),
  ...['', 'x'.repeat(65), 'a b', 'a/b', 5, null].map((lane): [object, boolean] => [{ lane }, false]),
  ...['csv'].map((format): [object, boolean] => [{ format }, true]),
  ...['pdf', 'json', 5, null].map((format): [object, boolean] => [{ format }, false]),
  [{ callback_url: null }, true],
  [{ callback_url: url(2_048) }, true],
  [{ callback_url: url(2_049) }, false],
  [{ callback_url: 5 }, false],
  [{ unknown: 1 }, false],
  [[], false],
  [null, false],
  ['x', false],
];

describe.each(['sync', 'async'] as const)('the JSON Schema of %s bodies', (mode) => {
  it.each(SAMPLES)('agrees with the schema about %j: %s', (body, isValid) => {
    // Every sample but those about callback_url itself is made a complete async body.
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    const complete = mode === 'async' && isObject ? { callback_url: null, ...body } : body;
    expect(schemas[mode].safeParse(complete).success).toBe(isValid);
    expect(jsonSchemas[mode](complete)).toBe(isValid);
  });

  it('agrees that callback_url is required for async only', () => {
    expect(jsonSchemas[mode]({ num_transactions: 5 })).toBe(mode === 'sync');
  });

  it('is the same as the JSON Schema in OpenAPI', () => {
    const { $defs = {} } = z.toJSONSchema(schemas[mode], { io: 'input' });
    expect(Object.values($defs)).toEqual([reportRequestJsonSchema(mode, reports)]);
  });

  it('takes every example, as the schema does', () => {
    for (const { value } of Object.values(reportRequestExamples(mode))) {
      expect(schemas[mode].safeParse(value).success).toBe(true);
      expect(jsonSchemas[mode](value)).toBe(true);
    }
  });
});
