// `node --import ./test/support/typescript.js some.ts` runs a TypeScript file without a build and without type checks.
// Imports of src/ and migrations/ load the built files in dist/ instead, so that the tested code is the shipped code
// and finds its own workers and entry points.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transform } from '@swc/core';

const ROOT = new URL('../../', import.meta.url).href;
const BUILT = ['src/', 'migrations/'];

// Node loads this file again in the thread of its module hooks.
if (isMainThread) register(import.meta.url);

/** Resolves './x.js' to './x.ts' if that exists, or to the built file if it belongs to the service. */
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
