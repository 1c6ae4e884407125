/** Values as people read them. Times are in the reader's zone, with UTC on hover; money has its currency's decimals. */
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const NUMBER = new Intl.NumberFormat();
const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** An instant. `show` chooses the date and time, or one of them; both are on hover, in UTC. */
export function Time({ at, show = 'both' }: { at: string | null | undefined; show?: 'both' | 'time' | 'day' }) {
  if (!at) return <span className="text-muted">–</span>;
  const date = new Date(at);
  const format = { both: DATE_TIME, time: TIME, day: DAY }[show];
  return (
    <time
      dateTime={at}
      title={`${date.toISOString().replace('T', ' ').slice(0, 23)} UTC`}
      className="whitespace-nowrap"
    >
      {format.format(date)}
    </time>
  );
}

const moneyFormats = new Map<string, Intl.NumberFormat>();

/** Formats an amount of minor units, such as 1999 USD as $19.99. */
export function money(cents: number, currency: string): string {
  const format = moneyFormats.get(currency) ?? new Intl.NumberFormat(undefined, { style: 'currency', currency });
  moneyFormats.set(currency, format);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(cents / 10 ** digits);
}

export function Money({ cents, currency }: { cents: number; currency: string }) {
  return <span className="whitespace-nowrap">{money(cents, currency)}</span>;
}

export const number = (value: number): string => NUMBER.format(value);
export const compact = (value: number): string => COMPACT.format(value);

/** Formats a duration of milliseconds: 0.8 ms, 12 ms, 3.4 s, 5 min, 2 h, 3 d. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Formats a size with decimal units: 512 B, 1.2 kB. */
export function bytes(size: number): string {
  const power = size < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(size) / 3));
  return `${power === 0 ? size : (size / 1_000 ** power).toFixed(1)} ${UNITS[power]}`;
}

/** The beginning of an id. The whole one is on hover. */
export function ShortId({ id }: { id: string }) {
  return (
    <span title={id} className="font-mono text-[0.8125rem]">
      …{id.slice(-8)}
    </span>
  );
}
