import { z } from 'zod';

/** Control and format characters: they reach terminals, and make names that look alike. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** One line of text that people read, such as a name: trimmed, not empty, and without control characters. */
export const plainText = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((text) => !HIDDEN.test(text), 'must not contain control characters');
