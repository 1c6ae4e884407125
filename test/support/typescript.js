// `node --import ./test/support/typescript.js some.ts` runs a TypeScript file without a build and without type checks.
// The service's own sources are the exception: an import of src/ or migrations/ loads the built file in dist/, so that
// the code under load is the code that ships, and so that it finds its own workers and entry points.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transform } from '@swc/core';

const ROOT = new URL('../../', import.meta.url).href;
const BUILT = ['src/', 'migrations/'];

// Node loads this file a second time, in the thread that runs its hooks.
if (isMainThread) register(import.meta.url);

/** Resolves an import of './x.js' to './x.ts' if that exists, or to its build if it belongs to the service. */
export async function resolve(specifier, context, next) {
  if (!specifier.startsWith('.') || !specifier.endsWith('.js')) return next(specifier, context);
  const { href } = new URL(specifier, context.parentURL);
  const path = href.startsWith(ROOT) ? href.slice(ROOT.length) : '';
  if (BUILT.some((folder) => path.startsWith(folder))) return next(`${ROOT}dist/${path}`, context);
  const source = href.replace(/\.js$/, '.ts');
  if (existsSync(new URL(source))) return { url: source, format: 'module', shortCircuit: true };
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2023',
    },
    module: { type: 'es6' },
  });
  return { source: code, format: 'module', shortCircuit: true };
}
