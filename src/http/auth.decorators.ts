import { type ExecutionContext, applyDecorators, createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import type { Request } from 'express';
import { Caller, type UserRole, callerOf } from './caller.js';
import { type Scope, allows } from './scopes.js';

/**
 * Metadata: the {@link Scope} that a route or controller requires, or null for none. The authentication guard fails
 * requests to a route without it.
 */
export const RequiredScope = Reflector.createDecorator<Scope | null>();

/** The name of the security scheme in the OpenAPI document. */
export const API_KEY_SCHEME = 'api_key';

/** With `AUTH=required`, restricts a route or controller to API keys with this scope. */
export const NeedsScope = (scope: Scope) => applyDecorators(RequiredScope(scope), ApiSecurity(API_KEY_SCHEME, [scope]));

/** Opens a route or controller to unauthenticated clients, such as load balancers and Prometheus. */
export const NeedsNoKey = () => RequiredScope(null);

/** Metadata: a route that needs no credentials. */
export const PublicRoute = Reflector.createDecorator<true>();

/** Opens a route to every caller. The handler sees the caller of valid credentials; invalid credentials are ignored. */
export const Public = () => applyDecorators(RequiredScope(null), PublicRoute(true));

/** Metadata: the role that a route requires, or `any` for every user. */
export const RequiredUser = Reflector.createDecorator<UserRole | 'any'>();

/** The name of the security scheme of users in the OpenAPI document. */
export const USER_SCHEME = 'user_token';

/**
 * Restricts a route or controller to users, or to those with a role, also with `AUTH=open`. Callers without a user's token get
 * 401, users with another role 403. A scope that the route requires too is checked with `AUTH=required`.
 */
export const NeedsUser = (role: UserRole | 'any' = 'any') =>
  applyDecorators(RequiredUser(role), ApiSecurity(USER_SCHEME, role === 'any' ? [] : [role]));

/** Parameter decorator: the {@link SignedInUser} of a route with {@link NeedsUser}. Null on other routes without a user. */
export const CurrentUser = () => Caller('user');

/**
 * Opens a route to unauthenticated clients that shows more to operators: callers with the scope `admin`, or with `AUTH=open`
 * callers on this machine. `IsOperator` says whether the caller is one.
 */
export const ShowsMoreToOperators = Reflector.createDecorator<true>();

/** Parameter decorator: the account whose requests, files and lanes the caller sees. */
export const OwnAccount = () => Caller('account');

/** Parameter decorator: whether the caller operates the installation, and may see its internals. */
export const IsOperator = () => Caller('isOperator');

/** Parameter decorator: whether the caller has a further scope besides that of the route. True where no scope is checked. */
export const HasScope = createParamDecorator((scope: Scope, context: ExecutionContext) => {
  const { scopes } = callerOf(context.switchToHttp().getRequest<Request>());
  return scopes === undefined || allows(scopes, scope);
});
