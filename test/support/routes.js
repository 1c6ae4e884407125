// Prints every route that a controller of the build declares, as JSON: ["GET /api/requests/{id}", …]. A program of its
// own, because Jest cannot load @nestjs/throttler: that is CommonJS and requires an ES module.
import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { RequestMethod } from '@nestjs/common';

const BUILT = new URL('../../dist/src/', import.meta.url);

/** In OpenAPI's spelling. */
function join(prefix, path) {
  const segments = `${prefix}/${path}`.split('/').filter((segment) => segment !== '');
  return `/${segments.map((segment) => segment.replace(/^:(.*)/, '{$1}')).join('/')}`;
}

function routesOf(controller) {
  const prefix = Reflect.getMetadata('path', controller);
  return Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).flatMap(({ value: handler }) => {
    const method = Reflect.getMetadata('method', handler);
    if (method === undefined) return [];
    const paths = [Reflect.getMetadata('path', handler)].flat();
    return paths.map((path) => `${RequestMethod[method]} ${join(prefix, path)}`);
  });
}

const files = readdirSync(BUILT, { recursive: true }).filter((file) => file.endsWith('.controller.js'));
const modules = await Promise.all(files.map((file) => import(new URL(file, BUILT).href)));
const controllers = modules.flatMap((exported) => Object.values(exported)).filter((one) => one.prototype);
console.log(JSON.stringify(controllers.flatMap(routesOf)));
