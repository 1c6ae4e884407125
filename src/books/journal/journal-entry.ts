/** A line to post. Debits are positive, credits negative. A line of 0 is left out. */
export interface NewLine {
  ledgerAccount: string;
  /** ISO 4217, upper case. */
  currency: string;
  amountCents: number;
  customerId?: string | null;
}

/** An entry to post. Its lines sum to 0 in each currency. */
export interface NewEntry {
  /** The time at which it counts, by default the time of recording; its month must be open. */
  effectiveAt: Date | null;
  /** `noun.verb`, such as `order.paid`. A source has at most one entry of a kind. */
  kind: string;
  /** The record that posts it, such as an order. */
  source?: { type: string; id: string } | null;
  memo?: string | null;
  /** The number of the entry that it reverses. */
  reverses?: number | null;
  lines: readonly NewLine[];
}

/** The fields that posting adds to an entry. */
export interface Posted {
  number: number;
  recordedAt: Date;
}

/** Returns the lines that undo an entry. */
export function reversed(lines: readonly NewLine[]): NewLine[] {
  return lines.map(({ ledgerAccount, currency, amountCents, customerId }) => {
    return { ledgerAccount, currency, amountCents: -amountCents, customerId };
  });
}

/** Returns the currencies in which lines do not sum to 0, with their sums. Exact beyond 2^53. */
export function imbalances(lines: readonly Pick<NewLine, 'currency' | 'amountCents'>[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { currency, amountCents } of lines) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amountCents));
  }
  return new Map([...sums].filter(([, sum]) => sum !== 0n));
}
