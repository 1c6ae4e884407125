/** Limits of what an action records, so that a caller cannot fill the log with long names. */
const MAX_TEXT = 200;
const MAX_ITEMS = 10;
const URL_TEXT = /^[a-z][a-z0-9+.-]*:\/\//i;
const UNSAFE = /[\p{Cc}\p{Surrogate}\u2028\u2029]/gu;

/** The input and the response of a route. */
export interface ActionContent {
  params: object;
  body: unknown;
  query: unknown;
  /** Undefined if it failed. */
  result: unknown;
}

/** @returns The path parameter of an action; else the id or number of what it created; else null. */
export function targetOf({ params, result }: ActionContent): string | null {
  const [param = idOf(result) ?? own(result, 'number')] = Object.values(params) as unknown[];
  return typeof param === 'string' || typeof param === 'number' ? shortText(String(param)) : null;
}

/**
 * Collects the recorded fields of an action, from the body, else the query, else the path. Only short scalars are recorded, also those of an
 * object such as a filter, and of a URL
 * only its origin, because paths and queries often carry a token.
 * @returns The fields, the count of a response that has one, and the id of what was created under another one; or null.
 */
export function detailOf(content: ActionContent, fields: readonly string[]): Record<string, unknown> | null {
  const { body, query, params, result } = content;
  const detail: Record<string, unknown> = {};
  for (const field of fields) {
    const value = short(own(body, field) ?? own(query, field) ?? own(params, field));
    if (value !== undefined) detail[field] = value;
  }
  const count = own(result, 'count');
  if (typeof count === 'number') detail['count'] = count;
  const id = idOf(result);
  if (typeof id === 'string' && id !== targetOf(content)) detail['new_id'] = shortText(id);
  return Object.keys(detail).length > 0 ? detail : null;
}

function own(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
  return (value as Record<string, unknown>)[field];
}

const idOf = (result: unknown): unknown => own(result, 'id');

function scalar(value: unknown): unknown {
  if (typeof value === 'string') return shortText(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function short(value: unknown): unknown {
  if (Array.isArray(value))
    return value.slice(0, MAX_ITEMS).map((item) => (Array.isArray(item) ? short(item) : scalar(item)));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, MAX_ITEMS)
        .map(([field, item]) => [shortText(field), scalar(item)]),
    );
  return scalar(value);
}

/** Text without control characters, which a terminal would obey, and without lone surrogates, which Postgres refuses. */
export function shortText(text: string): string {
  const shown = URL_TEXT.test(text) ? originOf(text) : text;
  return shown.slice(0, MAX_TEXT).replaceAll(UNSAFE, '\ufffd');
}

function originOf(text: string): string {
  const url = URL.parse(text);
  return url ? `${url.protocol}//${url.host}` : '(not a URL)';
}
