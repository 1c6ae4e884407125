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
import { type AuthenticatedKey, type Refusal, Authenticator } from '../../accounts/authenticator.js';
import { type Scope, allows } from '../../http/scopes.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';
import { RefusalBrake } from './refusal-brake.js';
import { RequiredScope, RequiredUser, ShowsMoreToOperators } from '../../http/auth.decorators.js';
import { type Actor, setCaller } from '../../http/caller.js';

/** The request has no API key, or an invalid one. */
export class Unauthenticated extends DaybookError {
  readonly code = 'unauthenticated';
}

/** The API key is valid, but lacks the required scope. */
export class InsufficientScope extends DaybookError {
  readonly code = 'insufficient-scope';
  constructor(scope: Scope) {
    super(`This requires an API key with the scope ${scope}`);
  }
}

const REFUSALS: Record<Refusal, string> = {
  malformed: 'The API key is malformed; the format is dbk_<id>_<secret>',
  unknown: 'The API key is unknown',
  revoked: 'The API key was revoked',
  expired: 'The API key has expired',
};
const REALM = 'Bearer realm="daybook"';
/** The account on whose behalf an admin key acts. */
const ACCOUNT_HEADER = 'Daybook-Account';
const BEARER = /^bearer +([^ ]+) *$/i;

/**
 * With `AUTH=required`, admits requests with a valid API key that has the scope of the route (RFC 6750). Runs before the
 * rate limits, which count by key.
 */
@Injectable()
export class AuthenticationGuard implements CanActivate, OnApplicationBootstrap {
  private readonly logger = new Logger(AuthenticationGuard.name);

  constructor(
    private readonly authenticator: Authenticator,
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
    const role = this.reflector.getAllAndOverride(RequiredUser, [context.getHandler(), context.getClass()]);
    if (role !== undefined) throw new Unauthenticated('Send the access token of a user');
    if (this.config.AUTH === 'open') return true;
    if (this.reflector.get(ShowsMoreToOperators, context.getHandler()))
      return this.recognizeOperator(context.switchToHttp().getRequest<Request>());
    const scope = this.reflector.getAllAndOverride(RequiredScope, [context.getHandler(), context.getClass()]);
    if (scope === null) return true;
    if (scope === undefined)
      throw new Error(`${context.getClass().name} has a route without @NeedsScope or @NeedsNoKey`);
    const http = context.switchToHttp();
    return this.admit(http.getRequest<Request>(), http.getResponse<Response>(), scope);
  }

  /** Admits every caller. A key that is missing or invalid, or cannot be checked now, is that of no operator. */
  private async recognizeOperator(request: Request): Promise<true> {
    const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const checked =
      key === undefined ? 'malformed' : await this.authenticator.check(key).catch(() => 'unknown' as const);
    const isOperator = typeof checked !== 'string' && allows(checked.scopes, 'admin');
    setCaller(request, { id: '', account: null, isOperator, user: null, actor: { kind: 'key', id: null, name: null } });
    return true;
  }

  private async admit(request: Request, response: Response, scope: Scope): Promise<true> {
    const apiKey = await this.authenticate(request, response).catch((error: unknown) => this.refuse(request, error));
    const actsFor = request.header(ACCOUNT_HEADER);
    const required = actsFor === undefined ? scope : 'admin';
    if (!allows(apiKey.scopes, required)) {
      response.setHeader('WWW-Authenticate', `${REALM}, error="insufficient_scope", scope="${required}"`);
      throw new InsufficientScope(required);
    }
    const { keyId, name } = apiKey;
    const account = actsFor === undefined ? apiKey.accountId : await this.keys.findAccount(actsFor);
    const actor: Actor = { kind: actsFor === undefined ? 'key' : 'operator', id: keyId, name };
    setCaller(request, { id: `key:${keyId}`, account, isOperator: allows(apiKey.scopes, 'admin'), user: null, actor });
    return true;
  }

  private async refuse(request: Request, error: unknown): Promise<never> {
    if (error instanceof Unauthenticated) await this.brake.hold(request);
    throw error;
  }

  private async authenticate(request: Request, response: Response): Promise<AuthenticatedKey> {
    const given = request.headers.authorization;
    if (given === undefined || !/^bearer\b/i.test(given)) {
      // A request without credentials gets the challenge without an error code (RFC 6750, section 3.1).
      response.setHeader('WWW-Authenticate', REALM);
      throw new Unauthenticated('Send an API key: Authorization: Bearer dbk_…');
    }
    const checked = await this.authenticator.check(BEARER.exec(given)?.[1] ?? '');
    if (typeof checked !== 'string') return checked;
    const detail = REFUSALS[checked];
    response.setHeader('WWW-Authenticate', `${REALM}, error="invalid_token", error_description="${detail}"`);
    throw new Unauthenticated(detail);
  }
}
