import { CallbackUrlRefused } from '../../src/callbacks/url-guard/callback-url-refused.js';
import type { UrlGuard } from '../../src/callbacks/url-guard/url-guard.js';

/** Returns the refusal that `act` throws. Any other error is a bug and is thrown. */
export function refusal(act: () => unknown): CallbackUrlRefused {
  try {
    act();
  } catch (error) {
    if (error instanceof CallbackUrlRefused) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** Whether a rule of the guard refuses the URL. Any other error is a bug and is thrown. */
export function isRefused(url: string, by: UrlGuard): boolean {
  try {
    by.check(url);
    return false;
  } catch (error) {
    if (error instanceof CallbackUrlRefused) return true;
    throw error;
  }
}
