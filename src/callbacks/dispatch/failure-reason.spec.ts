import { describe, expect, it } from '@jest/globals';
import { failureReason } from './failure-reason.js';

const answered = (status: number) => ({
  errorKind: 'status' as const,
  errorMessage: `The receiver answered ${status}`,
  trace: { status },
});
const of = { isTransient: true, attempts: 2, allAttempts: 4 };
const FINAL = { ...of, status: 'FAILED' as const, isTransient: false };

describe('failureReason', () => {
  it.each([
    [{ ...of, status: 'PENDING' as const, outcome: answered(500) }, 'Attempt 2 of 4 failed: The receiver answered 500'],
    [
      { ...of, attempts: 4, status: 'FAILED' as const, outcome: answered(500) },
      'All 4 attempts failed, the last one with: The receiver answered 500',
    ],
    [{ ...FINAL, outcome: answered(404) }, 'The receiver answered 404, which is final: it is not retried'],
    [{ ...FINAL, outcome: answered(302) }, 'The receiver answered 302, which is final: redirects are not followed'],
    [
      { ...FINAL, outcome: answered(410) },
      'The receiver answered 410 (Gone), which is final. The URL is disabled until you enable it',
    ],
    [
      {
        ...FINAL,
        outcome: { errorKind: 'blocked' as const, errorMessage: 'a.test is private', trace: { status: null } },
      },
      'a.test is private, which is final: it is not retried',
    ],
  ])('of %j', (attempt, reason) => {
    expect(failureReason(attempt)).toBe(reason);
  });

  it('is null for a callback that is delivered', () => {
    const outcome = { errorKind: null, errorMessage: null, trace: { status: 200 } };
    expect(failureReason({ ...of, status: 'SUCCESS', outcome })).toBeNull();
  });
});
