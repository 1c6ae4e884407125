/**
 * Returns the answer to a caller that may change a record and not read it.
 * @param always Fields that every answer has.
 * @returns These fields, and those that the body of the request names.
 */
export function writtenFields<Entry extends object>(
  entry: Entry,
  body: object,
  always: readonly (keyof Entry & string)[],
): Partial<Entry> {
  const names = new Set<string>([...always, ...Object.keys(body)]);
  return Object.fromEntries(Object.entries(entry).filter(([name]) => names.has(name))) as Partial<Entry>;
}
