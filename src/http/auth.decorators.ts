import { applyDecorators } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { Caller } from './caller.js';
import { RouteMark } from './route-mark.js';
import type { Scope } from './scopes.js';

/** The {@link Scope} that a route or controller needs, or null for none. A route without it answers nobody. */
export const NEEDED_SCOPE_MARK = new RouteMark<Scope | null>('needed-scope');

/** The name of the way to authenticate in the description of the API. */
export const KEY_SCHEME = 'api_key';

/** Opens a route, or every route of a controller, to keys with this scope (with `AUTH=required`). */
export const NeedsScope = (scope: Scope) =>
  applyDecorators(NEEDED_SCOPE_MARK.set(scope), ApiSecurity(KEY_SCHEME, [scope]));

/** Opens a route, or every route of a controller, to everybody: for what watches over the service. */
export const NeedsNoKey = () => NEEDED_SCOPE_MARK.set(null);

/** Parameter decorator: the account whose requests, files and lanes the caller sees. */
export const OwnAccount = () => Caller('account');

/** Parameter decorator: whether the caller operates the installation, and may see its internals. */
export const IsOperator = () => Caller('isOperator');
