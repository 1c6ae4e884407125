// Prints every route that a controller of the build declares, as JSON: ["GET /api/requests/{id}", …]. With `--actions`,
// prints an object of routes that are not GET, with their action (null if unrecorded, "" if not declared). A program of its own, because Jest cannot load @nestjs/throttler: that is CommonJS and requires an ES module.
import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { RequestMethod } from '@nestjs/common';
import { ActionMetadata } from '../../dist/src/http/action.decorators.js';

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
    const action = Reflect.getMetadata(ActionMetadata.KEY, handler);
    return paths.map((path) => ({ route: `${RequestMethod[method]} ${join(prefix, path)}`, action }));
  });
}

const files = readdirSync(BUILT, { recursive: true }).filter((file) => file.endsWith('.controller.js'));
const modules = await Promise.all(files.map((file) => import(new URL(file, BUILT).href)));
const controllers = modules.flatMap((exported) => Object.values(exported)).filter((one) => one.prototype);
const routes = controllers.flatMap(routesOf);
const writes = routes.filter(({ route }) => !route.startsWith('GET '));
const actions = writes.map(({ route, action }) => [route, action === undefined ? '' : (action?.name ?? null)]);
const printed = process.argv.includes('--actions') ? Object.fromEntries(actions) : routes.map(({ route }) => route);
console.log(JSON.stringify(printed));
