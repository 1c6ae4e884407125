import { readdirSync, readFileSync } from 'node:fs';
import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from '../../platform/database/outages.js';
import { DaybookError } from '../../platform/errors.js';
import { LaneFull, ReportHasFailed, RequestNotFound, RequestUnfinished } from '../../requests/requests.errors.js';
import { problemOf } from './problem.js';
import { InvalidInput } from '../../http/validation.js';

const INSTANCE = '/api/requests/1';

class Expected extends DaybookError {
  constructor(
    readonly code: string,
    override readonly retryAfterS?: number,
  ) {
    super('A detail for the caller');
  }
}

/** Every error code in the source. */
function codes(): string[] {
  const root = new URL('../../', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.spec)\.ts$/.test(file),
  );
  const declared = /readonly code = '([a-z-]+)'/g;
  return files.flatMap((file) =>
    [...readFileSync(new URL(file, root), 'utf8').matchAll(declared)].map(([, code]) => code!),
  );
}

describe('problemOf', () => {
  it('converts an expected failure to its status, its own type and its message', () => {
    expect(problemOf(new RequestUnfinished(), INSTANCE).problem).toEqual({
      type: 'urn:daybook:problem:request-unfinished',
      title: 'Conflict',
      status: 409,
      detail: expect.stringContaining('not finished'),
      instance: INSTANCE,
    });
    expect(problemOf(new RequestNotFound(), INSTANCE).problem).toMatchObject({
      status: 404,
      detail: 'Request not found',
    });
  });

  it('uses types that are registered with IANA', () => {
    const capacity = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';
    const quota = 'https://iana.org/assignments/http-problem-types#quota-exceeded';
    expect(problemOf(new LaneFull('default', 10, 7), INSTANCE)).toMatchObject({
      problem: { status: 503, title: 'Service Unavailable', type: capacity },
      retryAfterS: 7,
    });
    expect(problemOf(new Expected('quota-exceeded', 3), INSTANCE)).toMatchObject({
      problem: { status: 429, title: 'Too Many Requests', type: quota },
      retryAfterS: 3,
    });
  });

  it('gives 503 a time to retry', () => {
    expect(problemOf(new DatabaseUnavailable(new Error()), INSTANCE).retryAfterS).toBe(5);
    expect(problemOf(new Expected('storage-unavailable'), INSTANCE).retryAfterS).toBe(5);
    expect(problemOf(new RequestNotFound(), INSTANCE).retryAfterS).toBeUndefined();
  });

  it('contains the id of a failed request', () => {
    expect(problemOf(new ReportHasFailed('0195', 'No such period'), INSTANCE).problem).toMatchObject({
      status: 500,
      detail: 'No such period',
      request_id: '0195',
    });
  });

  it('has a status for every error code', () => {
    // A failed attempt is recorded in the callback log, and the move of files is a command: neither reaches a response.
    const known = codes().filter((code) => !['callback-attempt-failed', 'move-running'].includes(code));
    expect(known).toEqual(expect.arrayContaining(['not-found', 'lane-full', 'quota-exceeded', 'pool-full']));
    for (const code of known)
      expect(problemOf(new Expected(code), INSTANCE).problem.detail).toBe('A detail for the caller');
  });

  it('lists every issue, and repeats the first in the detail', () => {
    const errors = [
      { path: 'rows.1.n', message: 'must be a whole number' },
      { path: '', message: 'has no name' },
    ];
    expect(problemOf(new InvalidInput('body', errors), INSTANCE).problem).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      detail: 'The body is not valid: rows.1.n: must be a whole number (and 1 more)',
      instance: INSTANCE,
      errors,
    });
    expect(problemOf(new InvalidInput('query', errors.slice(1)), INSTANCE).problem.detail).toBe(
      'The query is not valid: has no name',
    );
  });

  it.each([
    [new NotFoundException('Cannot GET /nothing'), 404, 'Not Found', 'Cannot GET /nothing'],
    [new BadRequestException('No'), 400, 'Bad Request', 'No'],
    [new HttpException('Odd', 499), 499, 'Error', 'Odd'],
  ])('keeps the message of HTTP exceptions: %s', (error, status, title, detail) => {
    expect(problemOf(error, INSTANCE).problem).toMatchObject({ type: 'about:blank', status, title, detail });
  });

  it.each([
    new Error('SELECT * FROM users'),
    new Expected('unknown-code'),
    Object.assign(new Error('/etc/passwd'), { code: 'ENOENT' }),
    Object.assign(new Error('other service'), { status: 404 }),
    'a string',
    undefined,
    null,
  ])('hides the message of unexpected errors: %s', (error) => {
    expect(problemOf(error, INSTANCE)).toEqual({
      problem: {
        type: 'about:blank',
        title: 'Internal Server Error',
        status: 500,
        detail: 'An unexpected error. It has been logged under this request id.',
        instance: INSTANCE,
      },
    });
  });
});
