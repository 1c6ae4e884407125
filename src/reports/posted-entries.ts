/** What reports need to know of an account's journal when they are requested; `books/` implements it. */
export abstract class PostedEntries {
  /** @returns The number of the newest entry; 0 if there is none. @param account Its `account_id` in the journal. */
  abstract newest(account: string): Promise<number>;

  /** @returns The earliest time at which an entry counts; null if there is none. */
  abstract earliestEffectiveAt(account: string): Promise<Date | null>;

  abstract hasCustomer(account: string, customerId: string): Promise<boolean>;
}
