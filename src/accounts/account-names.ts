import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LRUCache } from 'lru-cache';
import { In, type Repository } from 'typeorm';
import { Account } from './account.entity.js';

const MAX_CACHED = 10_000;

/** The names of accounts. An account is never renamed or deleted, so a cached name stays right. */
@Injectable()
export class AccountNames {
  private readonly cache = new LRUCache<string, string>({ max: MAX_CACHED });

  constructor(@InjectRepository(Account) private readonly accounts: Repository<Account>) {}

  /** @returns The names of accounts by id, with at most one query. Unknown ids are missing. */
  async find(ids: readonly string[]): Promise<Map<string, string>> {
    const names = new Map(ids.map((id) => [id, this.cache.get(id)]));
    const missing = [...names].filter(([, name]) => name === undefined).map(([id]) => id);
    if (missing.length > 0) {
      for (const { id, name } of await this.accounts.findBy({ id: In(missing) })) {
        this.cache.set(id, name);
        names.set(id, name);
      }
    }
    return new Map([...names].flatMap(([id, name]) => (name === undefined ? [] : [[id, name]])));
  }
}
