#!/usr/bin/env node
// `npx daybook …` in a checkout. A separate file, because the output of the compiler is not executable.
import { existsSync } from 'node:fs';

const cli = new URL('../dist/src/cli/daybook.main.js', import.meta.url);
if (existsSync(cli)) {
  await import(cli.href);
} else {
  console.error('daybook: the project is not built; run npm run build');
  process.exitCode = 2;
}
