/** A comparison of the books with themselves. */
export interface Check {
  /** Begins each line of its findings. */
  name: string;
  /** SQL that selects `account_id` and `detail` of each finding. `$1` is the account to check, or null for all. */
  findings: string;
}

/** Findings of a check that are shown; the others are only counted. */
export const SHOWN = 20;

/** A difference that a check has found. */
export interface Finding {
  /** The `account_id` of the books. */
  account: string;
  detail: string;
}

/** The findings of one check: all of them are counted, and up to {@link SHOWN} are listed. */
export interface Found {
  check: string;
  count: number;
  findings: Finding[];
}

/** Selects the rows of a table that belong to the account in `$1`, or all rows. */
export const checked = (alias: string): string => `($1::uuid IS NULL OR ${alias}.account_id = $1::uuid)`;
