import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { callerOf } from '../../http/caller.js';
import { BoardNeedsOperator } from './board.errors.js';

/**
 * Admits operators. With `AUTH=required` the scope `admin` of the route has admitted them already; with `AUTH=open`, where no
 * scope is checked, this refuses callers on other machines.
 */
@Injectable()
export class BoardGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    if (!callerOf(context.switchToHttp().getRequest<Request>()).isOperator) throw new BoardNeedsOperator();
    return true;
  }
}
