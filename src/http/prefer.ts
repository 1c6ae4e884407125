/** How long a sync request waits for its report by default, and at most, in seconds. */
const DEFAULT_WAIT_S = 30;
const MAX_WAIT_S = 60;

export interface Preference {
  waitMs: number;
  /** The value of `Preference-Applied`; null without a supported preference. */
  applied: string | null;
}

/**
 * Reads `Prefer: respond-async` (does not wait) and `Prefer: wait=N` (waits up to N seconds). With both, the request waits
 * N seconds and then continues in the background (RFC 7240, section 4.3). Other preferences are ignored.
 */
export function preferenceOf(header: string | undefined): Preference {
  const preferences = (header ?? '').split(',').map((part) => part.split(';')[0]!.trim().toLowerCase());
  const isAsync = preferences.includes('respond-async');
  const requestedS = preferences.map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1]).find((seconds) => seconds);
  if (requestedS === undefined && !isAsync) return { waitMs: DEFAULT_WAIT_S * 1_000, applied: null };
  const waitS = requestedS === undefined ? 0 : Math.min(Number(requestedS), MAX_WAIT_S);
  const applied = [isAsync && 'respond-async', requestedS !== undefined && `wait=${waitS}`].filter(Boolean).join(', ');
  return { waitMs: waitS * 1_000, applied };
}
