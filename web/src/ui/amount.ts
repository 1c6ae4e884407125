/** Amounts as people type them. The API takes and returns integers of minor units. */

/** Number of decimals of a currency: 2 of USD, 0 of JPY. */
export function decimalsOf(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    // Not a currency yet, while it is typed.
    return 2;
  }
}

/** @returns The minor units of a decimal number such as `12.50` or `12,5`; null if it is not one of the currency. */
export function centsOf(text: string, currency: string): number | null {
  const decimals = decimalsOf(currency);
  const match = /^(-?)(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim());
  if (!match) return null;
  const [, sign, whole, fraction = ''] = match;
  if (fraction.length > decimals) return null;
  const cents = Number(whole + fraction.padEnd(decimals, '0'));
  return sign === '-' && cents !== 0 ? -cents : cents;
}

/** @returns An amount as a decimal number that `centsOf` reads. */
export function decimalOf(cents: number, currency: string): string {
  const decimals = decimalsOf(currency);
  return (cents / 10 ** decimals).toFixed(decimals);
}
