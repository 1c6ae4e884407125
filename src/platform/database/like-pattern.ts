/** @returns A LIKE pattern for texts in lower case that contain `part`, whatever its case. */
export function containing(part: string): string {
  return `%${part.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
