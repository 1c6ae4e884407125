import type { Request } from 'express';
import type { AccountId } from '../platform/tenant.js';
import { clientNetwork } from './client-network.js';

/** Who sends a request. */
export interface Caller {
  /** What limits are counted by: the API key, or the client's network in an open installation. */
  id: string;
  /** Whose requests, files and lanes it sees. */
  account: AccountId;
  /** Whether it runs the service: an `admin` key, and everybody in an open installation. */
  isOperator: boolean;
}

const CALLER = Symbol('caller');
type KnownRequest = Request & { [CALLER]?: Caller };

/** Notes who was found to send a request. */
export function setCaller(request: KnownRequest, caller: Caller): void {
  request[CALLER] = caller;
}

/** Who sends a request; known from the guards on. */
export function callerOf(request: KnownRequest): Caller {
  return (request[CALLER] ??= new Anybody(request));
}

/** Whoever can reach an open installation. */
class Anybody implements Caller {
  readonly account = null;
  readonly isOperator = true;

  constructor(private readonly request: Request) {}

  /** Found when it is asked for: where nothing is counted, nobody asks. */
  get id(): string {
    return clientNetwork(this.request.ip);
  }
}
