import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository, SelectQueryBuilder } from 'typeorm';
import { CallbackSecret } from './callback-secret.entity.js';

/** A secret, expired or not. */
export type KnownSecret = Pick<CallbackSecret, 'id' | 'secret' | 'fromEnvironment' | 'expiresAt'>;

/** A secret that signs. `expiresInMs` is by the database's clock, null for the newest secret. */
export interface ValidSecret extends Pick<
  CallbackSecret,
  'id' | 'accountId' | 'secret' | 'privateKey' | 'createdAt' | 'expiresAt'
> {
  expiresInMs: number | null;
}

export type NewSecret = Pick<CallbackSecret, 'id' | 'accountId' | 'secret' | 'privateKey' | 'fromEnvironment'>;

/** Limit of valid secrets of an account: each adds a signature to the header of every callback. */
export const MAX_VALID_SECRETS = 10;

const IS_VALID = '(expires_at IS NULL OR expires_at > clock_timestamp())';
/** Truncated to the column's precision, which would round it up: an overlap of 0 ends a secret at once. */
const OVERLAP_END = `date_trunc('milliseconds', clock_timestamp()) + :overlapMs * interval '1 millisecond'`;

/** The secrets that sign callbacks. Account ids are those of {@link CallbackSecret}. */
@Injectable()
export class CallbackSecretRepository {
  constructor(@InjectRepository(CallbackSecret) private readonly secrets: Repository<CallbackSecret>) {}

  /** @returns All secrets of an account, newest first. */
  known(accountId: string): Promise<KnownSecret[]> {
    return this.newestFirst([accountId]).getMany();
  }

  /** @returns The secrets that sign the callbacks of these accounts; those of each account newest first. */
  valid(accountIds: readonly string[]): Promise<ValidSecret[]> {
    return this.newestFirst(accountIds)
      .select('secret.id', 'id')
      .addSelect('secret.accountId', 'accountId')
      .addSelect('secret.secret', 'secret')
      .addSelect('secret.privateKey', 'privateKey')
      .addSelect('secret.createdAt', 'createdAt')
      .addSelect('secret.expiresAt', 'expiresAt')
      .addSelect('(1000 * extract(epoch FROM expires_at - clock_timestamp()))::float8', 'expiresInMs')
      .andWhere(IS_VALID)
      .getRawMany<ValidSecret>();
  }

  /** Adds the first secret of an account. @returns False when another process was faster: a unique index admits one. */
  async addFirst(fresh: NewSecret): Promise<boolean> {
    const insert = this.secrets.createQueryBuilder().insert().values(fresh).orIgnore().returning('id');
    return ((await insert.execute()).raw as unknown[]).length > 0;
  }

  /**
   * Replaces the newest secret of an account. It and the other valid ones expire after the overlap at the latest. A secret that was used
   * before takes the place of its former row.
   * @param replacedId Id of the secret that the caller read as the newest.
   * @returns False, without any change, when that secret is no longer the newest.
   */
  replace(replacedId: string, fresh: NewSecret, overlapMs: number): Promise<boolean> {
    return this.secrets.manager.transaction(async (manager) => {
      const secrets = manager.getRepository(CallbackSecret);
      const expire = (expiresAt: string) =>
        secrets
          .createQueryBuilder()
          .update()
          .set({ expiresAt: () => expiresAt })
          .setParameters({ overlapMs });
      // The lock on this row serializes concurrent rotations: the others find that it expires, and do nothing.
      const { affected } = await expire(OVERLAP_END)
        .where('id = :replacedId AND expires_at IS NULL', { replacedId })
        .execute();
      if (affected === 0) return false;
      await expire(`least(expires_at, ${OVERLAP_END})`)
        .where('account_id = :accountId AND expires_at > clock_timestamp() AND id <> :replacedId', {
          accountId: fresh.accountId,
          replacedId,
        })
        .execute();
      await secrets
        .createQueryBuilder()
        .delete()
        .where('account_id = :accountId AND secret = :secret AND id <> :replacedId', { ...fresh, replacedId })
        .execute();
      await secrets.insert(fresh);
      return true;
    });
  }

  /** Records that the environment names this secret. */
  async markFromEnvironment(id: string): Promise<void> {
    await this.secrets.update(id, { fromEnvironment: true });
  }

  /**
   * Deletes the expired secrets of an account, except the last one of the environment, which a start compares with the
   * configured one.
   */
  async dropExpired(accountId: string): Promise<void> {
    const last = this.newestFirst([accountId]).select('secret.id').andWhere('from_environment').limit(1);
    await this.secrets
      .createQueryBuilder()
      .delete()
      .where(`account_id = :accountId AND NOT ${IS_VALID} AND id IS DISTINCT FROM (${last.getQuery()})`, { accountId })
      .setParameters(last.getParameters())
      .execute();
  }

  private newestFirst(accountIds: readonly string[]): SelectQueryBuilder<CallbackSecret> {
    return this.secrets
      .createQueryBuilder('secret')
      .where('secret.accountId = ANY (:accountIds::uuid[])', { accountIds })
      .orderBy('secret.expires_at IS NULL', 'DESC')
      .addOrderBy('secret.created_at', 'DESC')
      .addOrderBy('secret.id', 'DESC');
  }
}
