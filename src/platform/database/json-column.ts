/** A control character, which stands in no JSON text that `JSON.stringify` made: there it is escaped. */
const SEPARATOR = '\u0001';

/**
 * JSON texts, or null, as one parameter of a statement. In an array each of their quotes would be escaped, and that back
 * again, which takes as long as making the JSON.
 */
export function jsonColumn(texts: readonly (string | null)[]): string {
  return texts.map((text) => text ?? '').join(SEPARATOR);
}

/** SQL for the `text[]` that a parameter of {@link jsonColumn} stands for. */
export function fromJsonColumn<const Parameter extends string>(parameter: Parameter) {
  return `string_to_array(${parameter}, chr(${SEPARATOR.charCodeAt(0)}), '')` as const;
}
