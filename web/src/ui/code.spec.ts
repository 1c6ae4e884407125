import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Call, curlOf } from './code';

const ORIGIN = 'http://localhost:3000';

/** @returns The arguments that a shell passes to curl. */
function argumentsOf(call: Call, needsKey = false): string[] {
  const script = `DAYBOOK_API_KEY=dbk_1\ncurl() { printf '%s\\0' "$@"; }\n${curlOf(call, ORIGIN, needsKey)}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('the curl command of a call', () => {
  it('is a GET without a method', () => {
    const path = '/api/requests?status=FAILED&limit=5';
    expect(curlOf({ method: 'GET', path }, ORIGIN, false)).toBe(`curl '${ORIGIN}${path}'`);
  });

  it('has the method, the headers and the body', () => {
    const body = { report: 'transactions', callback_url: null };
    const call = { method: 'POST', path: '/api/async', headers: { 'Idempotency-Key': 'a b' }, body };
    expect(argumentsOf(call)).toEqual([
      '-X',
      'POST',
      `${ORIGIN}/api/async`,
      '-H',
      'Idempotency-Key: a b',
      '-H',
      'Content-Type: application/json',
      '-d',
      JSON.stringify(body),
    ]);
  });

  it('reads the API key from a variable, so that it contains none', () => {
    const call = { method: 'DELETE', path: '/api/requests/1' };
    expect(curlOf(call, ORIGIN, true)).toContain('"Authorization: Bearer $DAYBOOK_API_KEY"');
    expect(argumentsOf(call, true)).toEqual([
      '-X',
      'DELETE',
      `${ORIGIN}/api/requests/1`,
      '-H',
      'Authorization: Bearer dbk_1',
    ]);
  });

  it.each(["it's", '$HOME `id` $(id) "x"', '\\', "'; rm -rf / #", 'a\nb', '日本'])(
    'passes %j through the shell unchanged',
    (text) => {
      const call = {
        method: 'PUT',
        path: `/api/x?q=${encodeURIComponent(text)}`,
        headers: { 'X-A': text },
        body: { text },
      };
      const given = argumentsOf(call);
      expect(given).toContain(`X-A: ${text}`);
      expect(given.at(-1)).toBe(JSON.stringify({ text }));
    },
  );
});
