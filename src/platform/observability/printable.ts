/**
 * Characters that a terminal or a log viewer acts on instead of showing them: control characters (Unicode Cc), line and paragraph
 * separators, and controls of the writing direction (UAX 9), which make a text look like another one.
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const EACH = new RegExp(UNPRINTABLE, 'gu');

/** Whether a text has a character that {@link printable} escapes. */
export function hasUnprintable(text: string): boolean {
  return UNPRINTABLE.test(text);
}

/**
 * @returns The text for one line of a terminal or a log, with unprintable characters escaped as in JSON (`\u001b`). A line of
 *   JSON stays JSON with the same meaning.
 */
export function printable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(EACH, escaped) : text;
}

/** @returns The text for several lines: like {@link printable}, but line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(EACH, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
