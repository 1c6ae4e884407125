/** How long a sync caller waits when it does not say, and at the most, in seconds. */
const DEFAULT_WAIT_S = 30;
const MAX_WAIT_S = 60;

export interface Preference {
  waitMs: number;
  /** For `Preference-Applied`; null when the caller preferred nothing that we know. */
  applied: string | null;
}

/** Reads `Prefer: respond-async` and `Prefer: wait=N` (RFC 7240). Preferences that we do not know are ignored. */
export function preferenceOf(header: string | undefined): Preference {
  const preferences = (header ?? '').split(',').map((part) => part.split(';')[0]!.trim().toLowerCase());
  if (preferences.includes('respond-async')) return { waitMs: 0, applied: 'respond-async' };
  for (const preference of preferences) {
    const seconds = /^wait\s*=\s*"?(\d{1,9})"?$/.exec(preference)?.[1];
    if (seconds === undefined) continue;
    const waitS = Math.min(Number(seconds), MAX_WAIT_S);
    return { waitMs: waitS * 1_000, applied: `wait=${waitS}` };
  }
  return { waitMs: DEFAULT_WAIT_S * 1_000, applied: null };
}
