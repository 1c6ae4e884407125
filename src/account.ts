/**
 * Whose data a call is about: the id of an account, or null for everybody's. Null is what every caller of an open
 * installation has (`AUTH=open`), and nobody with `AUTH=required`.
 */
export type AccountId = string | null;
