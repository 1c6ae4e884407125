import type { Search } from '../../router';

/** Beside dead callbacks, the default. */
export const STATUSES = [
  ['PENDING', 'Waiting'],
  ['SUCCESS', 'Delivered'],
  ['all', 'All'],
] as const;

export const PERIODS = [
  ['1h', 'In the last hour'],
  ['24h', 'In the last 24 hours'],
  ['7d', 'In the last 7 days'],
] as const;

const PERIOD_MS: Record<string, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
const MINUTE_MS = 60_000;

export interface CallbackFilter {
  status?: 'PENDING' | 'SUCCESS' | 'FAILED';
  destination?: string;
  /** ISO 8601, in whole minutes, so that polling asks the same question for a minute. */
  since?: string;
}

/** @returns The filter of the API that the URL's parameters name. Without a status, dead callbacks come first. */
export function filterOf({ status, destination, since }: Search, nowMs: number): CallbackFilter {
  const known = STATUSES.find(([value]) => value === status)?.[0] ?? 'FAILED';
  const periodMs = PERIOD_MS[since ?? ''];
  return {
    ...(known !== 'all' && { status: known }),
    ...(destination && { destination: originOf(destination) }),
    ...(periodMs && { since: new Date(Math.floor((nowMs - periodMs) / MINUTE_MS) * MINUTE_MS).toISOString() }),
  };
}

/** @returns The destination (`scheme://host:port`) of a URL, so that a whole callback URL can be pasted; else the text. */
export function originOf(text: string): string {
  if (!URL.canParse(text)) return text;
  const { protocol, hostname, port } = new URL(text);
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
