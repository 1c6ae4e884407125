import fc from 'fast-check';

/** The part of JSON Schema that the API description uses. */
export interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  default?: unknown;
}

/** Replaces the values of a field by its name. Null keeps the values of the schema. */
export type Override = (field: string) => fc.Arbitrary<unknown> | null;

/** Values that a schema allows, mostly small ones. */
export function valid(schema: JsonSchema, override: Override): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const rest: JsonSchema = { ...schema, anyOf: undefined, oneOf: undefined };
    return fc.oneof(...choices.map((choice) => valid(Object.assign({}, rest, choice), override)));
  }
  const [type = guess(schema)] = [schema.type].flat();
  if (Array.isArray(schema.type) && schema.type.length > 1)
    return fc.oneof(...schema.type.map((one) => valid({ ...schema, type: one }, override)));
  if (type === 'string') return text(schema);
  if (type === 'integer') return fc.integer(range(schema, 1));
  if (type === 'number') return fc.double({ ...range(schema, 0), noNaN: true, noDefaultInfinity: true });
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') return list(schema, override);
  if (type === 'object') return object(schema, override);
  return fc.jsonValue({ maxDepth: 2 });
}

function guess({ properties, items, pattern, allOf }: JsonSchema): string | undefined {
  if (properties) return 'object';
  if (items) return 'array';
  return pattern !== undefined || allOf ? 'string' : undefined;
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema, step: number) {
  const min = minimum ?? (exclusiveMinimum === undefined ? -1_000 : exclusiveMinimum + step);
  const max = maximum ?? (exclusiveMaximum === undefined ? Math.max(min, 1_000) : exclusiveMaximum - step);
  return { min, max };
}

function text({ format, pattern, allOf, minLength = 0, maxLength = 40 }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time') return date().map((day) => `${day}T12:00:00.000Z`);
  if (format === 'date' || allOf) return date();
  if (format === 'uri') return fc.webUrl();
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u'));
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 40), unit: 'grapheme' });
}

/** Days of this century, such as `2026-11-22`. */
function date(): fc.Arbitrary<string> {
  const bounds = { min: new Date('2001-01-01'), max: new Date('2099-12-31'), noInvalidDate: true };
  return fc.date(bounds).map((day) => day.toISOString().slice(0, 10));
}

function list({ items = {}, minItems = 0, maxItems = 5 }: JsonSchema, override: Override): fc.Arbitrary<unknown[]> {
  return fc.array(valid(items, override), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 5) });
}

function object({ properties = {}, required = [] }: JsonSchema, override: Override): fc.Arbitrary<object> {
  const fields = Object.entries(properties).map(([name, schema]) => [name, override(name) ?? valid(schema, override)]);
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: required.filter((name) => name in properties),
  });
}

/** Invalid values that careless callers and attackers send. */
export const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e21, -0, 2 ** 53, 2 ** 31, '', ' ', '0', 'null', [], {}, [[]]),
  fc.constantFrom('a\0b', '\ud83d', '\udc00x', '__proto__', '../../etc/passwd', '${7*7}', "' OR 1=1 --", '=cmd()'),
  fc.constantFrom('x'.repeat(10_001), 'x'.repeat(2_049), '\u202e', '\ufeff', 'İ', 'ﬀ', '%00', '\r\nX-A: b'),
  fc.constantFrom<unknown>(...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}'].map((s) => JSON.parse(s))),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
);

/** An object with one change: a field added, removed or misspelt. */
export function mutated(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({ how: fc.constantFrom('put', 'take', 'add', 'wrap'), at: fc.nat(20), by: strange });
  return fc.tuple(value, fc.array(change, { minLength: 1, maxLength: 2 })).map(([original, changes]) => {
    let current: unknown = structuredClone(original);
    for (const { how, at, by } of changes) current = changed(current, how, at, by);
    return current;
  });
}

function changed(value: unknown, how: string, at: number, by: unknown): unknown {
  if (how === 'wrap') return at % 2 ? [value] : { payload: value };
  if (typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(1, keys.length)];
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  if (how === 'add' || key === undefined) return { ...copy, [typeof by === 'string' ? by : 'colour']: by };
  // Half of the changes are made one level deeper, if there is one.
  if (at % 2 === 0 && typeof copy[key] === 'object' && copy[key] !== null)
    copy[key] = changed(copy[key], how, at >> 1, by);
  else if (how === 'put') copy[key] = by;
  else delete copy[key];
  return copy;
}
