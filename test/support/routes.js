// Prints every route of the built controllers as a JSON array: ["GET /api/requests/{id}", …].
// `--actions` prints an object of the routes that are not GET, with their action (null if unrecorded, "" if
// undeclared).
// `--access` prints an object of all routes with their access: `public`, `none` (no credentials are read),
// `user:<role>`, or the scope; "" if undeclared.
// It is a separate program because Jest cannot load @nestjs/throttler, which is CommonJS and requires an ES module.
import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { RequestMethod } from '@nestjs/common';
import { ActionMetadata } from '../../dist/src/http/action.decorators.js';
import { PublicRoute, RequiredScope, RequiredUser } from '../../dist/src/http/auth.decorators.js';

const BUILT = new URL('../../dist/src/', import.meta.url);

/** Joins two paths in the format of OpenAPI. */
function join(prefix, path) {
  const segments = `${prefix}/${path}`.split('/').filter((segment) => segment !== '');
  return `/${segments.map((segment) => segment.replace(/^:(.*)/, '{$1}')).join('/')}`;
}

/** Returns the access of a route from the metadata of its handler or controller. */
function accessOf(handler, controller) {
  const read = ({ KEY }) => Reflect.getMetadata(KEY, handler) ?? Reflect.getMetadata(KEY, controller);
  const [role, isPublic] = [read(RequiredUser), read(PublicRoute)];
  if (role !== undefined) return `user:${role}`;
  if (isPublic) return 'public';
  const own = Reflect.getMetadata(RequiredScope.KEY, handler);
  const scope = own === undefined ? Reflect.getMetadata(RequiredScope.KEY, controller) : own;
  return scope === null ? 'none' : (scope ?? '');
}

function routesOf(controller) {
  const prefix = Reflect.getMetadata('path', controller);
  return Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).flatMap(({ value: handler }) => {
    const method = Reflect.getMetadata('method', handler);
    if (method === undefined) return [];
    const paths = [Reflect.getMetadata('path', handler)].flat();
    const action = Reflect.getMetadata(ActionMetadata.KEY, handler);
    const access = accessOf(handler, controller);
    return paths.map((path) => ({ route: `${RequestMethod[method]} ${join(prefix, path)}`, action, access }));
  });
}

const files = readdirSync(BUILT, { recursive: true }).filter((file) => file.endsWith('.controller.js'));
const modules = await Promise.all(files.map((file) => import(new URL(file, BUILT).href)));
const controllers = modules.flatMap((exported) => Object.values(exported)).filter((one) => one.prototype);
const routes = controllers.flatMap(routesOf);
const writes = routes.filter(({ route }) => !route.startsWith('GET '));
const actions = writes.map(({ route, action }) => [route, action === undefined ? '' : (action?.name ?? null)]);
const accesses = routes.map(({ route, access }) => [route, access]);
function printed() {
  if (process.argv.includes('--actions')) return Object.fromEntries(actions);
  return process.argv.includes('--access') ? Object.fromEntries(accesses) : routes.map(({ route }) => route);
}
console.log(JSON.stringify(printed()));
