// How to start npm without a shell, on any system.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NPM = 'npm/bin/npm-cli.js';

/** The command line of npm with arguments: its own program under this Node, or `npm` of the path. */
export function npmCommand(...args) {
  const node = dirname(process.execPath);
  // The one that runs this script, if any; else the one that came with this Node, on Windows and elsewhere.
  const programs = [process.env.npm_execpath, join(node, 'node_modules', NPM), join(node, '../lib/node_modules', NPM)];
  const program = programs.find((path) => path?.endsWith('.js') && existsSync(path));
  return program ? [process.execPath, [program, ...args]] : ['npm', args];
}
