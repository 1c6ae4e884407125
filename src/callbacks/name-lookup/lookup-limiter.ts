import type { AccountId } from '../../platform/tenant.js';

/** Lookups in flight of one account in one process. Names without a nameserver leave the others' lookups alone. */
const MAX_LOOKUPS_PER_ACCOUNT = 8;

interface Account {
  inFlight: number;
  /** Called when a lookup of the account may start. */
  waiting: Set<() => void>;
}

/**
 * Limits the lookups in flight per account. All accounts together are limited by the attempts in flight, each of which needs
 * at most one lookup.
 */
export class LookupLimiter {
  private readonly accounts = new Map<AccountId, Account>();

  constructor(private readonly limit = MAX_LOOKUPS_PER_ACCOUNT) {}

  /**
   * Waits until a lookup of the account may start. Lookups that wait start in order.
   * @param signal Ends the wait.
   * @returns False if the wait was ended. Otherwise {@link free} must follow.
   */
  async take(account: AccountId, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const own = this.accounts.get(account) ?? { inFlight: 0, waiting: new Set() };
    this.accounts.set(account, own);
    if (own.inFlight < this.limit) {
      own.inFlight += 1;
      return true;
    }
    return new Promise((resolve) => {
      const start = (): void => {
        signal.removeEventListener('abort', end);
        resolve(true);
      };
      const end = (): void => {
        own.waiting.delete(start);
        resolve(false);
      };
      own.waiting.add(start);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Ends a lookup. The next one that waits takes over its place. */
  free(account: AccountId): void {
    const own = this.accounts.get(account)!;
    const [next] = own.waiting;
    if (next) {
      own.waiting.delete(next);
      next();
      return;
    }
    own.inFlight -= 1;
    if (own.inFlight === 0) this.accounts.delete(account);
  }
}
