/** A control character. `JSON.stringify` escapes it, so it occurs in no JSON text. */
const SEPARATOR = '\u0001';

/**
 * Joins JSON texts, or null, to one parameter of a statement. In an array parameter each quote would be escaped and
 * unescaped, which takes as long as serializing the JSON.
 */
export function jsonColumn(texts: readonly (string | null)[]): string {
  return texts.map((text) => text ?? '').join(SEPARATOR);
}

/** Returns SQL that splits a parameter of {@link jsonColumn} into a `text[]`. */
export function fromJsonColumn<const Parameter extends string>(parameter: Parameter) {
  return `string_to_array(${parameter}, chr(${SEPARATOR.charCodeAt(0)}), '')` as const;
}
