import type { Target } from '../destinations/target.js';

/** Round robin over accounts, and over the destinations of each account. */
export class RoundRobin {
  private lastAccount = '';
  /** The destination that was served last, by account. */
  private readonly lastDestinations = new Map<string, string>();

  /**
   * @param all Sorted by account and destination.
   * @returns The same, beginning after the account that was served last, and within each account after the destination that
   *   was served last. Forgets accounts that are not among them.
   */
  order<T extends Target>(all: T[]): T[] {
    const accounts = new Map<string, T[]>();
    for (const target of all) {
      const ofAccount = accounts.get(target.accountId);
      if (ofAccount) ofAccount.push(target);
      else accounts.set(target.accountId, [target]);
    }
    for (const accountId of this.lastDestinations.keys()) {
      if (!accounts.has(accountId)) this.lastDestinations.delete(accountId);
    }
    return rotated([...accounts], ([accountId]) => accountId > this.lastAccount).flatMap(([accountId, targets]) => {
      const last = this.lastDestinations.get(accountId) ?? '';
      return rotated(targets, ({ destination }) => destination > last);
    });
  }

  /** The target gets work; those after it are next. */
  served({ accountId, destination }: Target): void {
    this.lastAccount = accountId;
    this.lastDestinations.set(accountId, destination);
  }
}

/** @returns The items from the first that matches on, then those before it. */
function rotated<T>(items: T[], isFirst: (item: T) => boolean): T[] {
  const first = items.findIndex(isFirst);
  return first > 0 ? [...items.slice(first), ...items.slice(0, first)] : items;
}
