/** Currencies of ISO 4217 whose minor unit is not a hundredth, by the number of decimals. */
export const UNUSUAL_DECIMALS: Readonly<Record<number, readonly string[]>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' '),
  3: 'BHD IQD JOD KWD LYD OMR TND'.split(' '),
  4: 'CLF UYW'.split(' '),
};

const DECIMALS = new Map(
  Object.entries(UNUSUAL_DECIMALS).flatMap(([decimals, currencies]) =>
    currencies.map((currency) => [currency, Number(decimals)] as const),
  ),
);

/**
 * Returns the number of decimals of a currency's amounts: 0 for JPY, 2 for USD, 3 for KWD.
 * @param currency A code of ISO 4217 in upper case.
 */
export function minorUnits(currency: string): number {
  return DECIMALS.get(currency) ?? 2;
}

/**
 * Returns an amount as a decimal number with a fixed number of places. It is exact: no amount passes through a float.
 * @param minor An integer of minor units, in decimal digits: `-5`.
 * @param decimals Places after the point: with 2, `-5` is `-0.05`.
 */
export function inMajorUnits(minor: string, decimals: number): string {
  if (decimals === 0) return minor;
  const isNegative = minor.startsWith('-');
  const digits = (isNegative ? minor.slice(1) : minor).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return `${isNegative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}
