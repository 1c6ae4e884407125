import { expect } from '@jest/globals';
import { expectProblem, type Reply } from '../support/client.js';

export const UNKNOWN_ID = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';

export const challenge = ({ headers }: Reply): string | null => headers.get('www-authenticate');

export function expectUnauthenticated(reply: Reply, error: 'none' | 'invalid_token'): void {
  expectProblem(reply, 401);
  expect(reply.json.type).toBe('urn:daybook:problem:unauthenticated');
  if (error === 'none') expect(challenge(reply)).toBe('Bearer realm="daybook"');
  else expect(challenge(reply)).toMatch(/^Bearer realm="daybook", error="invalid_token", error_description="[^"]+"$/);
}
