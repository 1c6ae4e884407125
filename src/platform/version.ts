import { existsSync, readFileSync } from 'node:fs';

/** The package is above `src`, and above `dist/src`. */
const PACKAGE = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url));

/** The version of Daybook that runs. */
export const VERSION = (
  JSON.parse(
    readFileSync(
      PACKAGE.find((path) => existsSync(path))!,
      'utf8',
    ),
  ) as { version: string }
).version;
