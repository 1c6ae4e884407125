#!/usr/bin/env node
// `npx daybook …` in a checkout. A file of its own: what the compiler writes is not executable.
import { existsSync } from 'node:fs';

const cli = new URL('../dist/src/cli/daybook.main.js', import.meta.url);
if (existsSync(cli)) {
  await import(cli.href);
} else {
  console.error('daybook: it is not built yet; run npm run build');
  process.exitCode = 2;
}
