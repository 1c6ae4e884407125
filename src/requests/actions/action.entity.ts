import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Actor } from '../../http/caller.js';

export const ACTION_OUTCOMES = ['succeeded', 'failed'] as const;

/** A write over HTTP or the command line, other than the creation of requests. Inserted once and never changed. */
@Entity('actions')
@Check('actions_actor_kind_check', `actor_kind IN ('key', 'operator', 'user', 'anonymous', 'open', 'command-line')`)
@Check('actions_outcome_check', `outcome IN ('succeeded', 'failed')`)
@Index('actions_expiry', ['at'])
@Index('actions_by_name', ['action', 'id'])
@Index('actions_by_target', ['target', 'id'], { where: 'target IS NOT NULL' })
@Index('actions_by_account', ['accountId', 'id'], { where: 'account_id IS NOT NULL' })
@Index('actions_by_account_name', ['accountId', 'action', 'id'], { where: 'account_id IS NOT NULL' })
export class ActionRecord {
  /** UUIDv7: a newer action has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('timestamp with time zone', { precision: 3 })
  at!: Date;

  /** The account on whose behalf the action was; null with `AUTH=open` and for the command line. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @Column('text', { name: 'actor_kind' })
  actorKind!: Actor['kind'];

  @Column('text', { name: 'actor_id', nullable: true })
  actorId!: string | null;

  @Column('text', { name: 'actor_name', nullable: true })
  actorName!: string | null;

  /** `noun.verb`. */
  @Column('text')
  action!: string;

  /** Id or name of the thing that the action concerns; null if it concerns none in particular. */
  @Column('text', { nullable: true })
  target!: string | null;

  @Column('json', { nullable: true })
  detail!: Record<string, unknown> | null;

  /** `failed`: it ended with an unexpected error and may have changed something. */
  @Column('text')
  outcome!: (typeof ACTION_OUTCOMES)[number];

  /** Null for the command line. */
  @Column('integer', { nullable: true })
  status!: number | null;

  @Column('text', { name: 'request_id', nullable: true })
  requestId!: string | null;

  /** Network address of the caller; null for the command line. */
  @Column('text', { nullable: true })
  address!: string | null;
}
