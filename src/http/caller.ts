import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { Request } from 'express';
import type { AccountId } from '../platform/tenant.js';
import type { Scope } from './scopes.js';
import { clientNetwork, isOnThisMachine } from './client-network.js';

/** The identity behind an action, for the action log. */
export interface Actor {
  /**
   * `operator` is an admin key that acts for an account which it names in `Daybook-Account`. `anonymous` has no credentials,
   * with `AUTH=required`.
   */
  kind: 'key' | 'operator' | 'user' | 'anonymous' | 'open' | 'command-line';
  /** Id of the API key or user; null without one. */
  id: string | null;
  /** Name of the API key or user, or of the user of the operating system; null without one. */
  name: string | null;
}

export const USER_ROLES = ['organizer', 'customer'] as const;
export type UserRole = (typeof USER_ROLES)[number];

/** A user who sent a valid access token or the cookie of a session. */
export interface SignedInUser {
  id: string;
  role: UserRole;
  name: string;
  email: string;
}

/** The sender of a request. */
export interface Caller {
  /** Rate limits count by this id: `key:<id>`, `user:<id>`, or the client's network without either. */
  id: string;
  /**
   * The account whose requests, files and lanes the caller sees. Null with `AUTH=open`, and for customers and callers without
   * credentials, who have no scope.
   */
  account: AccountId;
  /** True for keys with the scope `admin`, and for every loopback caller with `AUTH=open`. */
  isOperator: boolean;
  /** Null for API keys and callers without credentials. */
  user: SignedInUser | null;
  actor: Actor;
  /** Id of the session of an access token or a cookie. */
  sessionId?: string;
  /** Undefined with `AUTH=open`, where no scope is checked. */
  scopes?: readonly Scope[];
}

/** Parameter decorator: the {@link Caller}, or one of its properties (`@Caller('account') account: AccountId`). */
export const Caller = createParamDecorator((property: keyof Caller | undefined, context: ExecutionContext) => {
  const caller = callerOf(context.switchToHttp().getRequest<Request>());
  return property === undefined ? caller : caller[property];
});

const CALLER = Symbol('caller');
type RequestWithCaller = Request & { [CALLER]?: Caller };

/** Called by the authentication guard. */
export function setCaller(request: RequestWithCaller, caller: Caller): void {
  request[CALLER] = caller;
}

/** The caller of a request that the authentication guard has admitted. Controllers use {@link Caller} instead. */
export function callerOf(request: RequestWithCaller): Caller {
  return (request[CALLER] ??= new OpenCaller(request));
}

const OPEN_ACTOR: Actor = { kind: 'open', id: null, name: null };

/** Any client of an installation with `AUTH=open`. */
class OpenCaller implements Caller {
  readonly account = null;
  readonly user = null;
  readonly actor = OPEN_ACTOR;

  private network: string | undefined;

  constructor(private readonly request: Request) {}

  /** Lazy, because routes without a rate limit never read it. */
  get id(): string {
    return (this.network ??= clientNetwork(this.request.ip));
  }

  get isOperator(): boolean {
    return isOnThisMachine(this.request);
  }
}

const ANONYMOUS_ACTOR: Actor = { kind: 'anonymous', id: null, name: null };

/** A caller without credentials on a public route, with `AUTH=required`. */
export class AnonymousCaller implements Caller {
  readonly account = null;
  readonly isOperator = false;
  readonly user = null;
  readonly scopes = [];
  readonly actor = ANONYMOUS_ACTOR;

  constructor(private readonly request: Request) {}

  get id(): string {
    return clientNetwork(this.request.ip);
  }
}
