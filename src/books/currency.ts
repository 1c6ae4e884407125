import { z } from 'zod';

const KNOWN = new Set(Intl.supportedValuesOf('currency'));

/** A currency of ISO 4217, in upper case. */
export const currency = z
  .string()
  .max(3)
  .refine((code) => KNOWN.has(code), 'must be a currency of ISO 4217, such as USD');
