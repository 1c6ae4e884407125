import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';

export interface Issue {
  /** Field names and indexes, joined by dots; empty for the value as a whole. */
  path: string;
  message: string;
}

/** A body, query or path parameter is not valid. */
export class InvalidInput extends Error {
  constructor(
    readonly where: string,
    readonly issues: Issue[],
  ) {
    super(`The ${where} is not valid`);
  }
}

/** Longest list of issues in one response. */
const MAX_ISSUES = 50;
/** No body of this API is deeper. */
export const MAX_DEPTH = 32;
/** No object of this API has more fields, and no demo callback needs more. */
const MAX_FIELDS = 1_000;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** The issue of a body that is missing. No route has one that must be an array. */
const NO_BODY = 'a JSON object is required, with Content-Type: application/json';
/** A surrogate without its pair is not Unicode text and has no UTF-8 encoding. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Validates a parameter by the schema of its decorator (`@Body({ schema })`), after {@link checkStructure}. A parameter
 * without a schema passes unchanged.
 * @throws InvalidInput
 */
@Injectable()
export class ValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (!metadata.schema) return value;
    const where =
      { body: 'body', query: 'query', param: 'path', custom: 'request' }[metadata.type as string] ?? 'request';
    // A path parameter is a name. One that cannot exist is a 404 like any other unknown name.
    if (metadata.type !== 'param') checkStructure(value, where);
    const result = await metadata.schema['~standard'].validate(value);
    if (!result.issues) return result.value as T;
    if (metadata.type === 'body' && value === undefined)
      throw new InvalidInput(where, [{ path: '', message: NO_BODY }]);
    const issues = result.issues.slice(0, MAX_ISSUES).map(({ path = [], message }) => ({
      path: path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.'),
      message: issueMessage(message),
    }));
    // The schema of a single path parameter does not know its name.
    if (metadata.type === 'param') for (const issue of issues) issue.path ||= metadata.data ?? '';
    throw new InvalidInput(where, issues);
  }
}

/** Returns the message of an issue of a schema. Of a missing field, Zod says that it received undefined. */
export function issueMessage(message: string): string {
  return message.endsWith('received undefined') ? 'is required' : message;
}

/**
 * Rejects values that no schema may accept: text that Postgres cannot store or return unchanged, field names that reach a
 * prototype, and values that are too deep or too wide. Call it before any other code walks a body.
 * @throws InvalidInput
 */
export function checkStructure(value: unknown, where: string): void {
  const found: Issue[] = [];
  collectIssues(value, '', 0, found);
  if (found.length > 0) throw new InvalidInput(where, found.slice(0, MAX_ISSUES));
}

/** Not a generator, because every field of every body passes here. */
function collectIssues(value: unknown, path: string, depth: number, found: Issue[]): void {
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
    else collectIssues(part, at, depth + 1, found);
  }
}
