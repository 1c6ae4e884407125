import { open, rm, stat, writeFile } from 'node:fs/promises';
import { BenchError, UsageError } from './cli-error.js';

/**
 * Checks before the load runs that a result can be written to a file. Existing content is kept.
 * @throws UsageError when the file cannot be opened for writing.
 */
export async function checkWritable(option: string, file: string): Promise<void> {
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  try {
    const handle = await open(file, 'a');
    await handle.close();
  } catch (error) {
    throw new UsageError(`--${option} ${file} cannot be written: ${messageOf(error)}`);
  }
  if (!exists) await rm(file);
}

/** @throws BenchError when the file cannot be written. */
export async function writeResult(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new BenchError(`${file} cannot be written: ${messageOf(error)}`);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
