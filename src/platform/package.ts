import { existsSync, readFileSync } from 'node:fs';

/** The folder of `package.json`, which is above `src`, and above `dist/src`. */
export const PACKAGE_FOLDER = ['../../', '../../../']
  .map((path) => new URL(path, import.meta.url))
  .find((folder) => existsSync(new URL('package.json', folder)))!;

/** The version of Daybook that runs. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('package.json', PACKAGE_FOLDER), 'utf8')) as { version: string }
).version;
