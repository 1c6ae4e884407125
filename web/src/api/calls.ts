import type { Call } from '../ui/code';
import { isProblem, type Problem } from './errors';

/** An answer with what the typed client leaves out: its headers, its bytes and its time. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The body as it was sent. */
  text: string;
  /** The body, if it is a JSON object. */
  json: Record<string, unknown> | null;
  /** The problem, if the API refused the call. */
  problem: Problem | null;
  /** Milliseconds from the call to the last byte. */
  tookMs: number;
}

/**
 * Makes the call that its curl shows.
 * @throws TypeError The service did not answer.
 */
export async function perform({ method, path, body, headers }: Call, signal?: AbortSignal): Promise<Answer> {
  const startedMs = performance.now();
  const response = await fetch(path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const tookMs = performance.now() - startedMs;
  const json = objectOf(text);
  const problem = !response.ok && isProblem(json) ? json : null;
  return { status: response.status, headers: response.headers, text, json, problem, tookMs };
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** @returns A new idempotency key. `crypto.randomUUID` exists only on secure origins, this works on all. */
export function newKey(): string {
  const parts = crypto.getRandomValues(new Uint32Array(4));
  return `dashboard-${Array.from(parts, (part) => part.toString(36)).join('')}`;
}
