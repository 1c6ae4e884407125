import type { Filter } from './request-filter';

/** Largest number of requests that are changed in one call, without parts. */
const MAX_WHOLE = 500;
/** Ends of the parts, in milliseconds before now: each part is several times as long as the one after it. */
const AGES_MS = [1, 5, 20, 60, 360, 1_440, 10_080, 43_200].map((minutes) => minutes * 60_000);

/**
 * Divides a filter by time, so that bulk work that takes long shows its progress and can be stopped between two parts.
 * @param count Requests that match.
 * @returns Filters that together match what `filter` matches, newest part first.
 */
export function timeSlices(filter: Filter, count: number, nowMs: number): Filter[] {
  if (count <= MAX_WHOLE) return [filter];
  const { created_from: from, created_to: to } = filter;
  const fromMs = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
  const toMs = to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to);
  const cuts = AGES_MS.map((ageMs) => nowMs - ageMs).filter((cutMs) => cutMs > fromMs && cutMs < toMs);
  const times = cuts.map((cutMs) => new Date(cutMs).toISOString());
  return [to, ...times].map((end, index) => between(filter, times[index] ?? from, end));
}

function between(filter: Filter, from: string | undefined, to: string | undefined): Filter {
  const { created_from: _from, created_to: _to, ...rest } = filter;
  return { ...rest, ...(from !== undefined && { created_from: from }), ...(to !== undefined && { created_to: to }) };
}
