import { z } from 'zod';
import { hasUnprintable } from '../../platform/observability/printable.js';

/**
 * A name that callers choose and people read, such as the label of a key. White space around it is dropped. Control characters
 * are refused: they would reach the terminals and logs of operators.
 */
export const label = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((text) => !hasUnprintable(text), 'must not have control characters or line breaks');
