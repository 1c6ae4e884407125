/**
 * Whose data a call is about: the id of an account, or null for everybody's. Null is what every caller of an open
 * installation has (`AUTH=open`), and nobody with `AUTH=required`.
 */
export type AccountId = string | null;

/** Stands in no lane's name that a caller may give. */
const SEPARATOR = '/';

/** The name under which a lane is kept: accounts may call theirs the same. */
export function qualifiedLane(account: AccountId, lane: string): string {
  return account === null ? lane : account + SEPARATOR + lane;
}

/** The lane's name as its account calls it. */
export function laneName(qualified: string): string {
  return qualified.slice(qualified.indexOf(SEPARATOR) + 1);
}
