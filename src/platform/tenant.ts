/**
 * The account whose data a call concerns, or null for the data of all accounts. Every caller of an open installation
 * (`AUTH=open`) has null, and none has it with `AUTH=required`.
 */
export type AccountId = string | null;

/**
 * The account of an open installation in tables whose `account_id` cannot be null, because keys contain it: the nil UUID of
 * RFC 9562.
 */
export const OPEN_INSTALLATION = '00000000-0000-0000-0000-000000000000';

/** Returns the `account_id` of an account's rows in such a table. */
export function storedAccount(account: AccountId): string {
  return account ?? OPEN_INSTALLATION;
}

/** Returns the account of rows with such an `account_id`. */
export function accountOfStored(stored: string): AccountId {
  return stored === OPEN_INSTALLATION ? null : stored;
}

/** A character that lane names of callers cannot contain. */
const SEPARATOR = '/';

/** Returns the stored name of a lane, which is unique across accounts. */
export function qualifiedLane(account: AccountId, lane: string): string {
  return account === null ? lane : account + SEPARATOR + lane;
}

/** Returns the account of a stored lane name. */
export function laneAccount(qualified: string): AccountId {
  const separatorAt = qualified.indexOf(SEPARATOR);
  return separatorAt < 0 ? null : qualified.slice(0, separatorAt);
}

/** Returns the lane name as its account knows it. */
export function laneName(qualified: string): string {
  return qualified.slice(qualified.indexOf(SEPARATOR) + 1);
}
