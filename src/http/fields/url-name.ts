import { z } from 'zod';

/** The pattern of {@link urlName}, without a lookahead, which generators of clients do not support everywhere. */
export const URL_NAME_PATTERN =
  /^(?:[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,63}|\.[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,62}|\.\.[A-Za-z0-9_.:-]{1,62})$/;

/**
 * A name that callers choose and that can be a segment of a path. `.` and `..` cannot, even when they are encoded: clients
 * remove them from a path before they send it (WHATWG URL, RFC 3986 5.2.4).
 */
export const urlName = z
  .string()
  .regex(
    URL_NAME_PATTERN,
    'must be 1 to 64 of: letters, digits, _ . : - (but not "." or "..", which no URL can contain)',
  );
