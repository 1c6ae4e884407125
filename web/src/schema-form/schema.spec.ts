import { describe, expect, it } from 'vitest';
import { errorAt, fieldsOf, payloadOf } from './schema';

const SCHEMA = {
  type: 'object',
  properties: {
    count: { type: 'integer', minimum: 1, maximum: 9, default: 5, description: 'How many' },
    share: { type: 'number' },
    kind: { enum: ['a', 'b'], default: 'b' },
    is_packed: { type: 'boolean', default: true },
    day: { type: 'string', format: 'date' },
    as_of: { type: 'string', allOf: [{ pattern: '^2024-02-29$' }, { pattern: '^2' }] },
    columns: { type: 'array', items: { type: 'string' }, description: 'Of `more`' },
    picked: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
    through: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    currency: { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }], title: 'Money' },
    from: {
      anyOf: [
        { type: 'string', format: 'date' },
        { type: 'string', format: 'date-time' },
      ],
    },
    more: { type: 'object' },
  },
  required: ['share'],
};

describe('fields of a JSON Schema', () => {
  const fields = fieldsOf(SCHEMA);

  it('have the kinds of their types', () => {
    expect(Object.fromEntries(fields.map(({ name, kind }) => [name, kind]))).toEqual({
      count: 'integer',
      share: 'number',
      kind: 'choice',
      is_packed: 'boolean',
      day: 'date',
      as_of: 'date',
      columns: 'list',
      picked: 'list',
      through: 'integer',
      currency: 'text',
      from: 'text',
      more: 'json',
    });
  });

  it('have labels, hints and defaults', () => {
    expect(fields[0]).toMatchObject({ label: 'Count', hint: 'How many · 1 to 9', placeholder: '5', isRequired: false });
    expect(fields[1]).toMatchObject({ hint: undefined, placeholder: undefined, isRequired: true });
    expect(fields[2]).toMatchObject({ choices: ['a', 'b'], placeholder: 'b' });
    expect(fields[6]).toMatchObject({ hint: 'Of more · comma-separated', choices: [] });
    expect(fields[7]).toMatchObject({ hint: undefined, choices: ['a', 'b'] });
    expect(fields[8]).toMatchObject({ hint: 'at least 0' });
    expect(fields[9]).toMatchObject({ label: 'Money', maxLength: 3 });
  });

  it('become a payload without the empty ones', () => {
    const texts = { count: '7', share: '', kind: 'a', is_packed: 'false', columns: 'x, y', more: '{"a": 1}' };
    expect(payloadOf(fields, texts)).toEqual({
      count: 7,
      kind: 'a',
      is_packed: false,
      columns: ['x', 'y'],
      more: { a: 1 },
    });
  });

  it('send a text that is no number as it is', () => {
    expect(payloadOf(fields, { count: 'many' })).toEqual({ count: 'many' });
  });

  it('are a form without fields if the schema has none', () => expect(fieldsOf({ type: 'object' })).toEqual([]));
});

describe('errors of the API', () => {
  const errors = [
    { path: 'payload.columns.0', message: 'is unknown' },
    { path: 'payload.count', message: 'is too small' },
    { path: 'payload.count', message: 'must be even' },
  ];

  it('belong to the field of their path', () => {
    expect(errorAt(errors, 'payload.count')).toBe('is too small; must be even');
    expect(errorAt(errors, 'payload.columns')).toBe('is unknown');
    expect(errorAt(errors, 'payload.col')).toBeNull();
  });
});
