/** Fields of a form, read from the JSON Schema (2020-12) of an object. */
export type FieldKind = 'text' | 'integer' | 'number' | 'choice' | 'boolean' | 'date' | 'list' | 'json';

export interface SchemaField {
  name: string;
  label: string;
  kind: FieldKind;
  isRequired: boolean;
  hint: string | undefined;
  /** The default as a text. */
  placeholder: string | undefined;
  /** Of a choice, or of each entry of a list. */
  choices: string[];
  maxLength: number | undefined;
}

/** Texts of fields by their names. An empty text leaves the field out. */
export type Texts = Record<string, string>;

type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
const schemasOf = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : []);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** @returns The fields of a schema in its order. */
export function fieldsOf(schema: Schema): SchemaField[] {
  const { properties, required } = schema;
  if (!isSchema(properties)) return [];
  const needed = new Set(Array.isArray(required) ? required : []);
  return Object.entries(properties).map(([name, property]) =>
    fieldOf(name, isSchema(property) ? property : {}, needed.has(name)),
  );
}

function fieldOf(name: string, given: Schema, isRequired: boolean): SchemaField {
  const schema: Schema = { ...withoutNull(given), ...('default' in given && { default: given['default'] }) };
  const kind = kindOf(schema);
  const hints = [
    given['description'] ?? schema['description'],
    boundsOf(schema),
    kind === 'list' && !isPicked(schema) && 'comma-separated',
  ];
  const words = hints.filter((hint): hint is string => typeof hint === 'string' && hint !== '').join(' · ');
  // Names of fields are in backticks, for Markdown.
  const text = words.replaceAll('`', '');
  return {
    name,
    label: typeof given['title'] === 'string' ? given['title'] : labelOf(name),
    kind,
    isRequired,
    hint: text === '' ? undefined : text,
    placeholder: schema['default'] === undefined ? undefined : textOf(schema['default']),
    choices: choicesOf(isSchema(schema['items']) && kind === 'list' ? schema['items'] : schema),
    maxLength: numberOf(schema['maxLength']),
  };
}

function choicesOf({ enum: values }: Schema): string[] {
  return Array.isArray(values) ? values.map(String) : [];
}

/** Whether the entries of a list are picked and not typed. */
const isPicked = ({ items }: Schema): boolean => isSchema(items) && choicesOf(items).length > 0;

/** Of a value that may be null, its other schema; an empty field leaves it out. */
function withoutNull(schema: Schema): Schema {
  const ways = schemasOf(schema['anyOf'] ?? schema['oneOf']).filter(({ type }) => type !== 'null');
  return ways.length === 1 && ways[0] ? ways[0] : schema;
}

function kindOf(schema: Schema): FieldKind {
  const type = Array.isArray(schema['type']) ? schema['type'].find((name) => name !== 'null') : schema['type'];
  if (Array.isArray(schema['enum'])) return 'choice';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  if (type === 'string') return isDate(schema) ? 'date' : 'text';
  if (type === 'array') return 'list';
  if (type === 'object') return 'json';
  return 'text';
}

/** A date is named by its format, or by patterns that take real days alone. */
function isDate(schema: Schema): boolean {
  if (typeof schema['format'] === 'string') return schema['format'] === 'date';
  const patterns = [schema, ...schemasOf(schema['allOf'])].flatMap(({ pattern }) =>
    typeof pattern === 'string' ? [new RegExp(pattern)] : [],
  );
  const takes = (text: string): boolean => patterns.every((pattern) => pattern.test(text));
  return patterns.length > 0 && takes('2024-02-29') && !takes('2023-02-29');
}

function boundsOf(schema: Schema): string | undefined {
  const [min, most] = [numberOf(schema['minimum']), numberOf(schema['maximum'])];
  // The largest integer of JavaScript is no bound that a reader needs.
  const max = most === Number.MAX_SAFE_INTEGER ? undefined : most;
  const format = (value: number): string => value.toLocaleString();
  if (min !== undefined && max !== undefined) return `${format(min)} to ${format(max)}`;
  if (min !== undefined) return `at least ${format(min)}`;
  return max === undefined ? undefined : `at most ${format(max)}`;
}

function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(', ') : JSON.stringify(value);
}

/** @returns The object of the texts. A text that is no value of its field is sent as it is, since the API says best why not. */
export function payloadOf(fields: SchemaField[], texts: Texts): Record<string, unknown> {
  const given = fields.filter(({ name }) => (texts[name] ?? '') !== '');
  return Object.fromEntries(given.map(({ name, kind }) => [name, valueOf(kind, texts[name] ?? '')]));
}

function valueOf(kind: FieldKind, text: string): unknown {
  if (kind === 'integer' || kind === 'number') {
    const value = Number(text);
    return text.trim() !== '' && Number.isFinite(value) ? value : text;
  }
  if (kind === 'boolean') return text === 'true';
  if (kind === 'list') return text.split(',').map((entry) => entry.trim());
  return kind === 'json' ? parsed(text) : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param errors The errors of the API, with the path of each from the root of the body.
 * @returns The words for the field at a path, with those of its parts.
 */
export function errorAt(errors: { path: string; message: string }[], path: string): string | null {
  const messages = errors.filter((error) => error.path === path || error.path.startsWith(`${path}.`));
  return messages.length === 0 ? null : messages.map(({ message }) => message).join('; ');
}
