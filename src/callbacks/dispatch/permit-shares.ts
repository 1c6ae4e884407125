import type { Target } from '../destinations/target.js';
import { type AttemptLimiter, MAX_CONCURRENCY, MAX_CONCURRENCY_PER_TARGET } from '../transport/concurrency-limiter.js';

/** A destination of an account with work that may be sent now. */
export interface Candidate extends Target {
  /** Most permits that it can use. */
  wanted: number;
}

/**
 * Takes permits for candidates, one at a time: for the account with the fewest attempts in flight, and in turn for each of its
 * destinations.
 * @param candidates Accounts and destinations that come first get a permit first.
 * @returns The permits of each candidate that got any.
 */
export function sharePermits<C extends Candidate>(candidates: C[], limiter: AttemptLimiter): Map<C, number> {
  const shares = new Map<C, number>();
  const waiting = new Map<string, C[]>();
  for (const candidate of candidates) {
    const ofAccount = waiting.get(candidate.accountId);
    if (ofAccount) ofAccount.push(candidate);
    else waiting.set(candidate.accountId, [candidate]);
  }
  // At each level, accounts with more attempts in flight wait until the others have caught up.
  for (let level = 0; level < MAX_CONCURRENCY && waiting.size > 0 && !limiter.isFull; level++) {
    for (const [accountId, ofAccount] of waiting) {
      if (limiter.inFlightOf(accountId) <= level) takeOne(ofAccount, shares, limiter);
      if (ofAccount.length === 0) waiting.delete(accountId);
    }
  }
  return shares;
}

/** Takes a permit for the first candidate that may have one, which is then the last in turn. */
function takeOne<C extends Candidate>(ofAccount: C[], shares: Map<C, number>, limiter: AttemptLimiter): void {
  for (let candidate = ofAccount.shift(); candidate; candidate = ofAccount.shift()) {
    const share = shares.get(candidate) ?? 0;
    if (share >= Math.min(candidate.wanted, MAX_CONCURRENCY_PER_TARGET) || limiter.take(candidate, 1) === 0) continue;
    shares.set(candidate, share + 1);
    ofAccount.push(candidate);
    return;
  }
}
