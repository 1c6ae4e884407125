/** A list of known values as a text, comma-separated and in its order. An empty text means all of them. */

/** @returns The values of a text, without those that are not known. */
export function pickedOf(text: string, choices: readonly string[]): string[] {
  const named = text.split(',').map((value) => value.trim());
  const picked = [...new Set(named)].filter((value) => choices.includes(value));
  return picked.length === 0 ? [...choices] : picked;
}

/** @returns The text of values. All of them in their usual order are an empty one. */
export function textOfPicked(picked: readonly string[], choices: readonly string[]): string {
  const isAll = picked.length === choices.length && picked.every((value, index) => value === choices[index]);
  return isAll ? '' : picked.join(',');
}

/** @returns The values with one more at the end, or one less. The last one stays. */
export function toggled(picked: readonly string[], value: string): string[] {
  if (!picked.includes(value)) return [...picked, value];
  return picked.length === 1 ? [...picked] : picked.filter((other) => other !== value);
}

/** @returns The values with one a place earlier (-1) or later (1). */
export function moved(picked: readonly string[], value: string, by: -1 | 1): string[] {
  const from = picked.indexOf(value);
  const to = from + by;
  if (from === -1 || to < 0 || to >= picked.length) return [...picked];
  return picked.toSpliced(from, 1).toSpliced(to, 0, value);
}
