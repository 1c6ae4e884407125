import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { Caller } from '../../http/caller.js';
import { isOnThisMachine } from '../../http/client-network.js';
import { allows } from '../../http/scopes.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { AuthenticatedKey } from '../authenticator.js';
import type { KeySession, UserSession } from './sessions/session-authenticator.js';
import { scopesOf } from './user-scopes.js';

/**
 * Builds the callers of sessions and API keys. With `AUTH=open` all callers share the data and no scope is checked. A caller on
 * this machine is then an operator, whether it has signed in or not.
 */
@Injectable()
export class CallerFactory {
  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'AUTH'>) {}

  ofSession(request: Request, session: UserSession | KeySession): Caller {
    return 'user' in session ? this.ofUser(request, session) : this.ofKey(request, session.key, session.sessionId);
  }

  /** @param sessionId The session of the dashboard; undefined for a key that the request itself has. */
  ofKey(request: Request, { keyId, name, accountId, scopes }: AuthenticatedKey, sessionId?: string): Caller {
    const isAdmin = allows(scopes, 'admin');
    return {
      id: `key:${keyId}`,
      user: null,
      actor: { kind: 'key', id: keyId, name },
      sessionId,
      ...(this.isOpen
        ? { account: null, isOperator: isAdmin || this.isOpenOperator(request) }
        : { account: accountId, isOperator: isAdmin, scopes }),
    };
  }

  /** Whether a caller is an operator whatever its credentials are. */
  isOpenOperator(request: Request): boolean {
    return this.isOpen && isOnThisMachine(request);
  }

  private ofUser(request: Request, { sessionId, user, accountId }: UserSession): Caller {
    return {
      id: `user:${user.id}`,
      user,
      actor: { kind: 'user', id: user.id, name: user.name },
      sessionId,
      ...(this.isOpen
        ? { account: null, isOperator: this.isOpenOperator(request) }
        : { account: accountId, isOperator: false, scopes: scopesOf({ role: user.role, accountId }) }),
    };
  }

  private get isOpen(): boolean {
    return this.config.AUTH === 'open';
  }
}
