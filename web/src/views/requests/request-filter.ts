import type { components } from '../../api/schema.generated';
import type { Search } from '../../router';

export type Filter = components['schemas']['RequestFilter'];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Time ranges that end now, by their name in the URL. */
export const RANGES: Record<string, { label: string; ms: number }> = {
  '15m': { label: 'Last 15 minutes', ms: 15 * MINUTE_MS },
  '1h': { label: 'Last hour', ms: HOUR_MS },
  '24h': { label: 'Last 24 hours', ms: 24 * HOUR_MS },
  '7d': { label: 'Last 7 days', ms: 7 * 24 * HOUR_MS },
  '30d': { label: 'Last 30 days', ms: 30 * 24 * HOUR_MS },
};
/** The name of a range with a start and an end of its own. */
export const CUSTOM = 'custom';

/** The names of the filters in the URL, which are those of the API, and `range`. */
export const FILTERS = ['range', 'created_from', 'created_to', 'mode', 'status', 'report', 'lane', 'q'] as const;

/**
 * Reads the filter of the API from the URL. A range that ends now starts at a full minute, so that its first page is the same
 * query for a minute.
 */
export function filterOf(search: Search, nowMs: number): Filter {
  const { mode, status, report, lane, q, range = '', created_from, created_to } = search;
  const preset = RANGES[range];
  const from = preset ? new Date(Math.floor((nowMs - preset.ms) / MINUTE_MS) * MINUTE_MS).toISOString() : created_from;
  const fields = { mode, status, report, lane, q, created_from: from, created_to: preset ? undefined : created_to };
  // The API refuses a value that it does not know, and says which ones it does.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as Filter;
}

/** @returns The choice that the select of time ranges shows. */
export function rangeOf({ range, created_from, created_to }: Search): string {
  if (range !== undefined) return range;
  return created_from === undefined && created_to === undefined ? '' : CUSTOM;
}

/** @returns The value of a `datetime-local` input, in the reader's zone, to the second. */
export function toLocalInput(iso: string | undefined): string {
  const date = new Date(iso ?? '');
  if (Number.isNaN(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * MINUTE_MS);
  return local.toISOString().slice(0, 19);
}

/** @returns The instant of a `datetime-local` input; undefined if it is empty. */
export function fromLocalInput(text: string): string | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
