/** Variables of Daybook's command lines, which are no settings of the service. */
const OF_COMMANDS = ['DAYBOOK_API_KEY', 'DAYBOOK_CALLBACK_SECRET'];

/** Settings of earlier versions, and their replacements. A limit that was set must not be dropped without a word. */
const REMOVED: Readonly<Record<string, string>> = {
  MAX_PENDING_TOTAL: 'MAX_PENDING_ACCOUNT, a limit for each account',
};

/** Names that other programs use, although they resemble one of ours. */
const FOREIGN = new Set(['DATABASE_PORT', 'DATABASE_SSL']);

/** Up to this length a name may differ from one of ours in one place, a longer one in two. */
const SHORT = 5;

/** @returns The replacement of a setting of an earlier version; null for any other name. */
export function removedSetting(name: string, settings: readonly string[]): string | null {
  return settings.includes(name) ? null : (REMOVED[name] ?? null);
}

/**
 * @param settings The names of all settings.
 * @returns The setting that a name is likely to mean: it differs in case, in separators, in the prefix `DAYBOOK_`, in one or
 *   two letters, or lacks or adds words at its end. Null for a setting, and for a name that resembles none.
 */
export function likelySetting(name: string, settings: readonly string[]): string | null {
  const known = [...settings, ...OF_COMMANDS];
  if (known.includes(name) || FOREIGN.has(name)) return null;
  const bare = essence(name);
  const same = known.find((setting) => essence(setting) === bare || `DAYBOOK${essence(setting)}` === bare);
  if (same !== undefined) return same;
  const upper = name.toUpperCase();
  // RATE_LIMIT for RATE_LIMIT_SYNC. A single word may be another program's.
  const longer = upper.includes('_') ? settings.find((setting) => setting.startsWith(`${upper}_`)) : undefined;
  if (longer !== undefined) return longer;
  // CALLBACK_TIMEOUT_MS for CALLBACK_TIMEOUT, AUTH_REQUIRED for AUTH. PORT_RANGE may be another program's.
  const shorter = settings.find((setting) => upper.startsWith(`${setting}_`) && /_|^AUTH$/.test(setting));
  if (shorter !== undefined) return shorter;
  const nearest = known
    .map((setting) => ({ setting, edits: editDistance(upper, setting) }))
    .sort((one, other) => one.edits - other.edits)[0];
  return nearest && nearest.edits <= (nearest.setting.length <= SHORT ? 1 : 2) ? nearest.setting : null;
}

/** A name without case and separators. */
const essence = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z\d]/g, '');

/** Optimal string alignment: letters that are added, removed, replaced, or swapped with the next one. */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const [before, last] = [rows[row - 2], rows[row - 1]!];
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = before && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const edits = [last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (isSame ? 0 : 1)];
      if (isSwapped) edits.push(before[column - 2]! + 1);
      current.push(Math.min(...edits));
    }
    rows.push(current);
  }
  return rows.at(-1)!.at(-1)!;
}
