/** How long a sync caller waits when it does not say, and at the most, in seconds. */
const DEFAULT_WAIT_S = 30;
const MAX_WAIT_S = 60;

export interface Preference {
  waitMs: number;
  /** For `Preference-Applied`; null when the caller preferred nothing that we know. */
  applied: string | null;
}

/**
 * Reads `Prefer: respond-async` and `Prefer: wait=N` (RFC 7240): the first does not wait, the second so many seconds, and
 * both together wait that long before they do not wait any longer (section 4.3). What we do not know is ignored.
 */
export function preferenceOf(header: string | undefined): Preference {
  const preferences = (header ?? '').split(',').map((part) => part.split(';')[0]!.trim().toLowerCase());
  const isAsync = preferences.includes('respond-async');
  const asked = preferences.map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1]).find((seconds) => seconds);
  if (asked === undefined && !isAsync) return { waitMs: DEFAULT_WAIT_S * 1_000, applied: null };
  const waitS = asked === undefined ? 0 : Math.min(Number(asked), MAX_WAIT_S);
  const applied = [isAsync && 'respond-async', asked !== undefined && `wait=${waitS}`].filter(Boolean).join(', ');
  return { waitMs: waitS * 1_000, applied };
}
