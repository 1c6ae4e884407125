import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { NamedSchemas } from './named-schemas.js';

const named = (shape: z.ZodRawShape) => z.object(shape).meta({ id: 'Thing' });

describe('NamedSchemas', () => {
  it('refers to a named schema, wherever it is used', () => {
    const { convert } = new NamedSchemas();
    const thing = named({ a: z.string() });
    const page = z.object({ things: z.array(thing), first: thing.nullable() }).meta({ id: 'ThingPage' });
    const { schema, components } = convert(page, { schemaType: 'output' })!;
    expect(schema).toEqual({ $ref: '#/$defs/ThingPage' });
    expect(components).toMatchObject({
      Thing: { type: 'object', properties: { a: { type: 'string' } } },
      ThingPage: {
        properties: {
          things: { items: { $ref: '#/$defs/Thing' } },
          first: { anyOf: [{ $ref: '#/$defs/Thing' }, { type: 'null' }] },
        },
      },
    });
  });

  it('writes a schema without a name where it is used', () => {
    const { schema, components } = new NamedSchemas().convert(z.object({ a: z.int() }), { schemaType: 'input' })!;
    expect([schema, components]).toMatchObject([{ properties: { a: { type: 'integer' } } }, {}]);
  });

  it('takes two schemas of one name and the same content for one', () => {
    const { convert } = new NamedSchemas();
    for (const thing of [named({ a: z.string() }), named({ a: z.string() })])
      expect(convert(thing, { schemaType: 'output' })?.schema).toEqual({ $ref: '#/$defs/Thing' });
  });

  it.each([
    ['of different fields', named({ a: z.int() }), 'output'],
    ['that is sent, and differs from the one that is returned', named({ a: z.string() }), 'input'],
  ] as const)('refuses the name for another schema %s', (_, other, schemaType) => {
    const { convert } = new NamedSchemas();
    convert(named({ a: z.string() }), { schemaType: 'output' });
    expect(() => convert(other, { schemaType })).toThrow(/^Two schemas of the API are named Thing: /);
    expect(() => convert(z.array(other), { schemaType })).toThrow('are named Thing');
  });

  it('adds a schema with all that it refers to', () => {
    const schemas = {};
    const page = z.object({ things: z.array(named({ a: z.string() })) }).meta({ id: 'ThingPage' });
    expect(new NamedSchemas().add(schemas, page, 'output')).toEqual({ $ref: '#/components/schemas/ThingPage' });
    expect(schemas).toMatchObject({
      Thing: { type: 'object' },
      ThingPage: { properties: { things: { items: { $ref: '#/components/schemas/Thing' } } } },
    });
  });
});
