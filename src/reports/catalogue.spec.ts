import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { catalogue, catalogueOf, isTypeFile } from './catalogue.js';
import { defineReport } from './define-report.js';

const report = (type: string, shape: z.core.$ZodShape = {}) =>
  defineReport({ type, title: type, params: z.strictObject(shape), compute: () => ({}) });

describe('catalogue', () => {
  it('holds every report type under the type that it defines', () => {
    expect([...catalogue.keys()]).toEqual(expect.arrayContaining(['digest', 'transactions']));
    for (const [type, definition] of catalogue) expect(definition.type).toBe(type);
  });

  it('refuses unknown parameters and describes each known one, whatever the type', () => {
    for (const { params } of catalogue.values()) {
      expect(z.toJSONSchema(params, { io: 'input' })).toMatchObject({ additionalProperties: false });
      for (const field of Object.values(params.shape)) expect(z.globalRegistry.get(field)?.description).toBeTruthy();
    }
  });
});

describe('catalogueOf', () => {
  it('finds the definitions by their type', () => {
    const [one, two] = [report('one'), report('two')];
    const found = catalogueOf([
      ['one.js', { default: one }],
      ['two.js', { default: two }],
    ]);
    expect([...found]).toEqual([
      ['one', one],
      ['two', two],
    ]);
  });

  it('refuses two files for one type, naming both', () => {
    const twice = () =>
      catalogueOf([
        ['a.js', { default: report('same') }],
        ['b.js', { default: report('same') }],
      ]);
    expect(twice).toThrow('Report type "same" is defined twice, in a.js and b.js');
  });

  it.each([{}, { default: undefined }, { default: {} }, { default: () => ({}) }])(
    'refuses a file that exports %j',
    (exports) => {
      expect(() => catalogueOf([['empty.js', exports]])).toThrow(
        'file empty.js has no default export from defineReport',
      );
    },
  );

  it('refuses a parameter that the flat shorthand could not tell from a field of the request', () => {
    const definition = report('bad', { lane: z.string() });
    expect(() => catalogueOf([['bad.js', { default: definition }]])).toThrow('has a parameter named "lane"');
  });
});

describe('isTypeFile', () => {
  it.each([
    ['reports/types/digest.report.ts', true],
    ['reports/types/digest.report.js', true],
    ['tickets/reports/event-sales.report.js', true],
    ['digest.ts', false],
    ['digest.report.spec.ts', false],
    ['digest.report.d.ts', false],
    ['digest.report.js.map', false],
    ['README.md', false],
  ])('%s: %s', (file, is) => {
    expect(isTypeFile(file)).toBe(is);
  });
});
