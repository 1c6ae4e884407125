// Starts npm without a shell on every system.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NPM = 'npm/bin/npm-cli.js';

/** Returns the command and arguments that run npm: its program with this Node, or `npm` from the PATH. */
export function npmCommand(...args) {
  const node = dirname(process.execPath);
  // The npm that runs this script, or the one installed with this Node (on Windows or elsewhere).
  const programs = [process.env.npm_execpath, join(node, 'node_modules', NPM), join(node, '../lib/node_modules', NPM)];
  const program = programs.find((path) => path?.endsWith('.js') && existsSync(path));
  return program ? [process.execPath, [program, ...args]] : ['npm', args];
}
