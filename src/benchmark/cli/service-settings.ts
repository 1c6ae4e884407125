import { ConfigError, parseConfig, unusedNames } from '../../platform/config/config.js';
import { UsageError } from './cli-error.js';

/**
 * Checks the settings of `--env` before the run, since the service would ignore a misspelt name without a word.
 * @throws UsageError
 */
export function checkSettings(settings: Record<string, string>): void {
  const [unused] = unusedNames(settings);
  if (unused !== undefined) throw new UsageError(`--env: ${unused}`);
  try {
    parseConfig(settings);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(`--env ${error.message}`) : error;
  }
}
