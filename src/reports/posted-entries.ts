/** What reports need to know of an account's journal when they are requested; `books/` implements it. */
export abstract class PostedEntries {
  /** @returns The number of the newest entry; 0 if there is none. @param account Its `account_id` in the journal. */
  abstract newest(account: string): Promise<number>;

  /** @returns The earliest time at which an entry counts; null if there is none. */
  abstract earliestEffectiveAt(account: string): Promise<Date | null>;

  abstract hasCustomer(account: string, customerId: string): Promise<boolean>;
}

/** The entries as requests that are accepted together see them: the newest is the same for all. */
export class EntriesAtOnce extends PostedEntries {
  private readonly newestOf = new Map<string, Promise<number>>();

  constructor(private readonly entries: PostedEntries) {
    super();
  }

  override newest(account: string): Promise<number> {
    const newest = this.newestOf.get(account) ?? this.entries.newest(account);
    this.newestOf.set(account, newest);
    return newest;
  }

  override earliestEffectiveAt(account: string): Promise<Date | null> {
    return this.entries.earliestEffectiveAt(account);
  }

  override hasCustomer(account: string, customerId: string): Promise<boolean> {
    return this.entries.hasCustomer(account, customerId);
  }
}
