/**
 * The account whose data a call concerns, or null for the data of all accounts. Every caller of an open installation
 * (`AUTH=open`) has null, and none has it with `AUTH=required`.
 */
export type AccountId = string | null;

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
