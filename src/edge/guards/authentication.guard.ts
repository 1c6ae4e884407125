import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { ApiKeysService } from '../../accounts/api-keys.service.js';
import { PublicRoute, RequiredScope, RequiredUser, ShowsMoreToOperators } from '../../http/auth.decorators.js';
import { AnonymousCaller, type Caller, type UserRole, setCaller } from '../../http/caller.js';
import { type Scope, allows } from '../../http/scopes.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';
import { InsufficientScope } from '../../http/scopes.js';
import { Credentials, REALM, actsFor } from './credentials.js';
import { RefusalBrake } from './refusal-brake.js';

/** The request has no credentials, or invalid ones. */
export class Unauthenticated extends DaybookError {
  readonly code = 'unauthenticated';
}

/** The user has another role. */
export class RoleRequired extends DaybookError {
  readonly code = 'role-required';
  constructor(role: UserRole) {
    super(`This requires a user with the role ${role}`);
  }
}

const SEND_A_KEY = 'Send an API key: Authorization: Bearer dbk_…';
const SEND_A_TOKEN = "Send a user's access token: Authorization: Bearer …";

/** The callers that a route admits. */
interface Access {
  /** Undefined if users need not sign in. */
  role: UserRole | 'any' | undefined;
  /** Null if no scope is required. */
  scope: Scope | null;
  isPublic: boolean | undefined;
  showsMore: boolean | undefined;
}

/**
 * Admits requests with valid credentials that have the scope of the route (RFC 6750) with `AUTH=required`, and the role of the
 * route with any `AUTH`. Runs before the rate limits, which count by caller.
 */
@Injectable()
export class AuthenticationGuard implements CanActivate, OnApplicationBootstrap {
  private readonly logger = new Logger(AuthenticationGuard.name);
  private readonly accesses = new WeakMap<object, Access>();

  constructor(
    private readonly credentials: Credentials,
    private readonly keys: ApiKeysService,
    private readonly reflector: Reflector,
    private readonly brake: RefusalBrake,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AUTH' | 'ROLE'>,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { AUTH, ROLE } = this.config;
    if (AUTH === 'open' || ROLE === 'worker' || (await this.keys.hasLive().catch(() => true))) return;
    this.logger.warn('There is no API key yet. Create one: npm run keys -- create --name me --scope admin');
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = this.accessOf(context);
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (access.role !== undefined) return this.admit(request, http.getResponse<Response>(), access);
    if (this.config.AUTH === 'open') return !this.credentials.hasSession(request) || this.recognize(request, null);
    if (access.showsMore || access.isPublic) return this.recognize(request, new AnonymousCaller(request));
    return access.scope === null || this.admit(request, http.getResponse<Response>(), access);
  }

  /** Read once per route: this runs for every request, and reflection takes longer than the rest of it. */
  private accessOf(context: ExecutionContext): Access {
    const handler = context.getHandler();
    const known = this.accesses.get(handler);
    if (known) return known;
    const targets = [handler, context.getClass()];
    const role = this.reflector.getAllAndOverride(RequiredUser, targets);
    const scope = this.reflector.getAllAndOverride(RequiredScope, targets);
    if (scope === undefined && role === undefined)
      throw new Error(`${context.getClass().name} has a route that does not say who may call it (auth.decorators.ts)`);
    const isPublic: boolean | undefined = this.reflector.getAllAndOverride(PublicRoute, targets);
    const showsMore: boolean | undefined = this.reflector.get(ShowsMoreToOperators, handler);
    const access = { role, scope: scope ?? null, isPublic, showsMore };
    this.accesses.set(handler, access);
    return access;
  }

  /**
   * Admits every caller. Credentials that are invalid, or cannot be checked now, count as none.
   * @param otherwise The caller without credentials; null for one of an open installation.
   */
  private async recognize(request: Request, otherwise: Caller | null): Promise<true> {
    const checked = await this.credentials.check(request).catch(() => null);
    const caller = checked && 'caller' in checked ? checked.caller : otherwise;
    if (caller) setCaller(request, caller);
    return true;
  }

  /** @throws Unauthenticated, RoleRequired, InsufficientScope */
  private async admit(request: Request, response: Response, { role, scope }: Access): Promise<true> {
    const checked = await this.credentials.check(request);
    const hint = role === undefined ? SEND_A_KEY : SEND_A_TOKEN;
    if (!checked) return this.refuse(request, response, hint);
    if ('refusal' in checked) return this.refuse(request, response, checked.refusal, 'invalid_token');
    const { caller, scopes } = checked;
    if (role !== undefined) {
      if (!caller.user) return this.refuse(request, response, hint);
      if (role !== 'any' && caller.user.role !== role) throw new RoleRequired(role);
    }
    const required = actsFor(request) === undefined ? scope : 'admin';
    if (this.config.AUTH === 'required' && required !== null && !allows(scopes, required)) {
      response.setHeader('WWW-Authenticate', `${REALM}, error="insufficient_scope", scope="${required}"`);
      throw new InsufficientScope(required);
    }
    setCaller(request, caller);
    return true;
  }

  /** A request without credentials gets the challenge without an error code (RFC 6750, section 3.1). */
  private async refuse(request: Request, response: Response, detail: string, error?: string): Promise<never> {
    const reason = error === undefined ? '' : `, error="${error}", error_description="${detail}"`;
    response.setHeader('WWW-Authenticate', REALM + reason);
    await this.brake.hold(request);
    throw new Unauthenticated(detail);
  }
}
