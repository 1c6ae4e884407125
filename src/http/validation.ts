import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';

export interface Issue {
  /** Where: field names and indexes, joined by dots; empty for the value as a whole. */
  path: string;
  message: string;
}

/** A body, query or path that its schema refuses. */
export class InvalidInput extends Error {
  constructor(
    readonly where: string,
    readonly issues: Issue[],
  ) {
    super(`The ${where} is not valid`);
  }
}

/** More issues than this help nobody. */
const MAX_ISSUES = 50;
/** Deeper than any body of this API. */
const MAX_DEPTH = 32;
/** More fields than any object of this API has, and than a demo callback needs. */
const MAX_FIELDS = 1_000;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** A high surrogate without a low one, or the other way round: no Unicode text, so it has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Validates by the schema that stands at the parameter (`@Body({ schema })`), after refusing what no field can hold:
 * Postgres text has no NUL, and text that is not Unicode would not come back as it was given.
 */
@Injectable()
export class ValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (!metadata.schema) return value;
    const where =
      { body: 'body', query: 'query', param: 'path', custom: 'request' }[metadata.type as string] ?? 'request';
    // A path names a thing: one that nothing can have is a thing that is not there, and the answer is 404.
    if (metadata.type !== 'param') refuseUnfit(value, where);
    const result = await metadata.schema['~standard'].validate(value);
    if (!result.issues) return result.value as T;
    const issues = result.issues.slice(0, MAX_ISSUES).map(({ path = [], message }) => ({
      path: path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.'),
      message,
    }));
    // A single path parameter has no path of its own in its schema.
    if (metadata.type === 'param') for (const issue of issues) issue.path ||= metadata.data ?? '';
    throw new InvalidInput(where, issues);
  }
}

/**
 * Refuses what no field can hold. Whoever walks a body before it is validated calls this first: it also bounds the depth.
 * @throws InvalidInput
 */
export function refuseUnfit(value: unknown, where: string): void {
  const unfit: Issue[] = [];
  findUnfit(value, '', 0, unfit);
  if (unfit.length > 0) throw new InvalidInput(where, unfit.slice(0, MAX_ISSUES));
}

/** Adds what is unfit to those found. Every body passes here; a generator would make one more for each of its fields. */
function findUnfit(value: unknown, path: string, depth: number, found: Issue[]): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) found.push({ path, message: 'must not contain NUL characters' });
    if (LONE_SURROGATE.test(value)) found.push({ path, message: 'must be Unicode text, without lone surrogates' });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth >= MAX_DEPTH) {
    found.push({ path, message: `must not be nested more than ${MAX_DEPTH} deep` });
    return;
  }
  if (!Array.isArray(value) && Object.keys(value).length > MAX_FIELDS) {
    found.push({ path, message: `must not have more than ${MAX_FIELDS} fields` });
    return;
  }
  for (const [key, part] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (FORBIDDEN_KEYS.has(key)) found.push({ path: at, message: 'is not an allowed field name' });
    else if (key.includes('\0') || LONE_SURROGATE.test(key))
      found.push({ path, message: 'has a field name that is not text' });
    else findUnfit(part, at, depth + 1, found);
  }
}
