import { readFile } from 'node:fs/promises';
import { clientApiKey } from '../../platform/config/client-api-key.js';
import { UsageError } from './cli-error.js';
import type { BenchOptions } from './cli-options.js';

/**
 * Finds the API key of a run: `--api-key`, else the content of `--api-key-file`, else `DAYBOOK_API_KEY`. The variable
 * belongs to a service that already runs, so it is ignored without `--url`.
 * @throws UsageError when the file cannot be read or is empty.
 */
export async function apiKeyOf(options: BenchOptions): Promise<string | undefined> {
  const file = options['api-key-file'];
  if (options['api-key'] !== undefined) return options['api-key'];
  if (file === undefined) return options.url === undefined ? undefined : clientApiKey();
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`--api-key-file ${file} cannot be read: ${error.message}`);
  });
  if (text.trim() === '') throw new UsageError(`--api-key-file ${file} is empty`);
  return text.trim();
}
