/** Port: prepares other features for an account that gets a key, which may be its first one. */
export abstract class NewAccounts {
  /** Called with each new key, in its transaction where there is one. An account that is prepared stays as it is. */
  abstract prepare(accountId: string): Promise<void>;
}
