import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { Request } from 'express';
import type { AccountId } from '../platform/tenant.js';
import type { Scope } from './scopes.js';
import { ApiSecurity } from '@nestjs/swagger';
import { callerOf } from './caller.js';
import { RouteMark } from './route-mark.js';

/** The {@link Scope} that a route or controller needs, or null for none. A route without it answers nobody. */
export const NEEDED_SCOPE_MARK = new RouteMark<Scope | null>('needed-scope');

/** The name of the way to authenticate in the description of the API. */
export const KEY_SCHEME = 'api_key';

/** Opens a route, or every route of a controller, to keys with this scope (with `AUTH=required`). */
export const NeedsScope = (scope: Scope) =>
  applyDecorators(NEEDED_SCOPE_MARK.set(scope), ApiSecurity(KEY_SCHEME, [scope]));

/** Opens a route, or every route of a controller, to everybody: for what watches over the service. */
export const NeedsNoKey = () => NEEDED_SCOPE_MARK.set(null);

/** Parameter: whose requests, files and lanes the caller sees. */
export const OwnAccount = createParamDecorator(
  (_: unknown, context: ExecutionContext): AccountId => callerOf(context.switchToHttp().getRequest<Request>()).account,
);

/** Parameter: whether the caller runs the service, and may see what it runs on. */
export const IsOperator = createParamDecorator(
  (_: unknown, context: ExecutionContext): boolean => callerOf(context.switchToHttp().getRequest<Request>()).isOperator,
);
