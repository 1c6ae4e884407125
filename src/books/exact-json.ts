/**
 * Returns an object as JSON with one amount more. `JSON.stringify` would round amounts beyond 2^53.
 * @param fields The other fields, at least one.
 * @param cents A decimal integer.
 */
export function withExactCents(fields: object, name: string, cents: string): string {
  return `${JSON.stringify(fields).slice(0, -1)},${JSON.stringify(name)}:${cents}}`;
}
