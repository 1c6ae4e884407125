import { Inject, Injectable } from '@nestjs/common';
import { ApiKeysService } from '../../accounts/api-keys.service.js';
import type { Caller } from '../../http/caller.js';
import { pageOf } from '../../platform/database/page.js';
import type { ActionRecord } from './action.entity.js';
import { type ActionFilter, ActionRepository } from './action.repository.js';
import { ActionsNeedOperator } from './actions.errors.js';

/** The action log as callers read it. */
@Injectable()
export class ActionsService {
  constructor(
    @Inject(ActionRepository) private readonly actions: Pick<ActionRepository, 'list'>,
    @Inject(ApiKeysService) private readonly accounts: Pick<ApiKeysService, 'accountNames'>,
  ) {}

  /**
   * Lists the actions of all accounts for an operator, unless it acts for an account; else those of the caller's account.
   * @returns One page, newest first, and the cursor of the next page (null on the last).
   * @throws ActionsNeedOperator for a caller without an account that is no operator.
   */
  async list(
    caller: Caller,
    filter: Omit<ActionFilter, 'account'>,
  ): Promise<{ actions: object[]; next_cursor: string | null }> {
    const { isOperator } = caller;
    const account = isOperator && caller.actor.kind !== 'operator' ? null : caller.account;
    if (account === null && !isOperator) throw new ActionsNeedOperator();
    const read = (limit: number) => this.actions.list({ ...filter, account, limit });
    const { page, next_cursor } = await pageOf(filter.limit, read, ({ id }) => id);
    const ids = new Set(page.flatMap(({ accountId }) => accountId ?? []));
    const names = ids.size > 0 ? await this.accounts.accountNames([...ids]) : new Map<string, string>();
    return { actions: page.map((row) => actionView(row, names, isOperator)), next_cursor };
  }
}

/** An account does not see which key of an operator acted for it, nor from where. */
function actionView(row: ActionRecord, accountNames: Map<string, string>, isOperator: boolean): object {
  const isShown = isOperator || row.actorKind === 'key' || row.actorKind === 'user';
  return {
    id: row.id,
    at: row.at.toISOString(),
    action: row.action,
    target: row.target,
    detail: row.detail,
    outcome: row.outcome,
    status: row.status,
    actor: {
      kind: row.actorKind,
      id: isShown ? row.actorId : null,
      name: isShown ? row.actorName : null,
    },
    account: row.accountId && (accountNames.get(row.accountId) ?? null),
    request_id: row.requestId,
    address: isShown ? row.address : null,
  };
}
