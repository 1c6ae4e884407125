import type { Daybook } from './daybook.js';
import { get } from './client.js';

/** Annotations that a reference may have beside it. Any other keyword would be a second schema. */
const ANNOTATIONS = new Set(['description', 'default', 'example', 'examples']);

/** Reads the API description of a service, every reference replaced by its target. */
export async function readDereferenced<Document extends object>(daybook: Daybook): Promise<Document> {
  return dereferenced((await get(daybook, '/openapi.json')).json as Document);
}

/**
 * Replaces every reference of a document by its target. Equal references become the same object.
 * @throws Error for a reference without a target, with another keyword beside it, or in a circle.
 */
export function dereferenced<Document extends object>(document: Document): Document {
  const targets = new Map<string, unknown>();
  const target = (ref: string): unknown => {
    if (targets.has(ref) && targets.get(ref) === undefined) throw new Error(`${ref} refers to itself`);
    if (!targets.has(ref)) {
      targets.set(ref, undefined);
      targets.set(ref, resolve(pointed(document, ref)));
    }
    return targets.get(ref);
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref, ...rest } = value as { $ref?: unknown };
    const entries = Object.entries(rest).map(([key, part]) => [key, resolve(part)]);
    if (typeof $ref !== 'string') return Object.fromEntries(entries);
    const second = Object.keys(rest).find((key) => !ANNOTATIONS.has(key));
    if (second !== undefined) throw new Error(`${second} is beside ${$ref}`);
    return entries.length > 0 ? Object.assign({}, target($ref), Object.fromEntries(entries)) : target($ref);
  };
  return resolve(document) as Document;
}

/** Returns the part of a document that a JSON Pointer names. */
function pointed(document: object, ref: string): unknown {
  const part = ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
  if (part === undefined) throw new Error(`${ref} refers to nothing`);
  return part;
}
