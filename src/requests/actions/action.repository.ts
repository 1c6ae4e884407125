import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { firstIdAt } from '../../platform/ids.js';
import type { AccountId } from '../../platform/tenant.js';
import { ActionRecord } from './action.entity.js';

export type NewAction = Omit<ActionRecord, 'at'>;

export interface ActionFilter {
  /** Null for the actions of all accounts. */
  account: AccountId;
  action?: string;
  target?: string;
  since?: Date;
  until?: Date;
  /** Only actions older than this one. */
  beforeId?: string;
  limit: number;
}

/** Longest time between the clock of a process and that of the database which still lists by time exactly. */
const SKEW_MS = 600_000;

// A repeat of an insert whose outcome is not known inserts nothing.
const ADD = `INSERT INTO actions (id, account_id, actor_kind, actor_id, actor_name, action, target, detail, outcome, status,
    request_id, address, at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() - $13 * interval '1 millisecond')
  ON CONFLICT (id) DO NOTHING`;

const REMOVE_EXPIRED = `DELETE FROM actions a USING (
    SELECT id FROM actions WHERE at < now() - $1 * interval '1 millisecond'
    ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
  ) expired
  WHERE a.id = expired.id`;

/** The action log. Entries are added, read, and deleted by age. Times are by the database's clock. */
@Injectable()
export class ActionRepository {
  constructor(@InjectRepository(ActionRecord) private readonly actions: Repository<ActionRecord>) {}

  /** Adds an action, once even if it is called again. @param ageMs Time since the action. */
  async add(added: NewAction, ageMs: number): Promise<void> {
    const { id, accountId, actorKind, actorId, actorName, action, target, detail, outcome } = added;
    const { status, requestId, address } = added;
    const json = detail && JSON.stringify(detail);
    const who = [id, accountId, actorKind, actorId, actorName];
    await this.actions.query(ADD, [...who, action, target, json, outcome, status, requestId, address, ageMs]);
  }

  /** @returns Actions, newest first. */
  async list({ account, action, target, since, until, beforeId, limit }: ActionFilter): Promise<ActionRecord[]> {
    const list = this.actions.createQueryBuilder('a').orderBy('a.id', 'DESC').limit(limit);
    if (account !== null) list.andWhere('a.accountId = :account', { account });
    if (action !== undefined) list.andWhere('a.action = :action', { action });
    if (target !== undefined) list.andWhere('a.target = :target', { target });
    if (beforeId !== undefined) list.andWhere('a.id < :beforeId', { beforeId });
    // The id limits what is read, and the time decides: an id has the clock of its process.
    if (since)
      list.andWhere('a.at >= :since AND a.id >= :first', { since, first: firstIdAt(shifted(since, -SKEW_MS)) });
    if (until) list.andWhere('a.at <= :until AND a.id <= :last', { until, last: firstIdAt(shifted(until, SKEW_MS)) });
    return list.getMany();
  }

  /**
   * Deletes the oldest of the actions that are past their age.
   * @returns The number of deleted actions, up to the limit.
   */
  async removeExpired(ageMs: number, limit: number): Promise<number> {
    const [, count] = await this.actions.query<[unknown, number]>(REMOVE_EXPIRED, [ageMs, limit]);
    return count;
  }
}

function shifted(time: Date, byMs: number): Date {
  return new Date(Math.max(0, time.getTime() + byMs));
}
