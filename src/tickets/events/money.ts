/** Returns an amount of minor units in figures, such as `25.00 EUR`. */
export function money(cents: number, currency: string): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  const figures = String(cents).padStart(digits + 1, '0');
  const whole = figures.slice(0, figures.length - digits);
  return `${digits === 0 ? figures : `${whole}.${figures.slice(-digits)}`} ${currency}`;
}
