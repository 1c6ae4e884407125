import { z } from 'zod';
import { hasUnprintable } from '../../platform/observability/printable.js';

/**
 * A character that shows something: no space, no mark that only changes another character, and none that is ignored in display,
 * such as U+200B, U+00AD or a Hangul filler (UAX 44). U+2800 is the Braille pattern without dots.
 */
const VISIBLE = /[^\s\u2800\p{M}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

/**
 * A name that callers choose and people read, such as the label of a key. White space around it is dropped. Control characters
 * are refused: they would reach the terminals and logs of operators. A name of invisible characters alone is refused too, since it looks like none.
 */
export const label = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((text) => !hasUnprintable(text), 'must not have control characters or line breaks')
    .refine((text) => text === '' || VISIBLE.test(text), 'must have a visible character');
