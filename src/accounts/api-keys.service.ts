import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { newId } from '../platform/ids.js';
import { pageOf } from '../platform/database/page.js';
import { AccountNotFound, ApiKeyEnded, ApiKeyNotFound } from './accounts.errors.js';
import { mintKey } from './api-key.js';
import { NewAccounts } from './new-accounts.js';
import { type ApiKeyFilter, type ApiKeyRow, ApiKeyRepository, type NewApiKey } from './api-key.repository.js';

/** Creates, lists, rotates and revokes keys, for the API and the command line. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly keys: ApiKeyRepository,
    private readonly newAccounts: NewAccounts,
  ) {}

  /** @returns The key as it is listed, and its text, which cannot be shown again. */
  async create(wanted: Omit<NewApiKey, 'id' | 'secretHash'>): Promise<object> {
    const id = newId();
    const { text, secretHash } = mintKey(id);
    await this.newAccounts.prepare(await this.keys.add({ ...wanted, id, secretHash }, newId()));
    return { ...(await this.view(id)), key: text };
  }

  /** @returns One page, newest first, and the cursor of the next page (null on the last). */
  async list(filter: ApiKeyFilter): Promise<{ keys: object[]; next_cursor: string | null }> {
    const read = (limit: number) => this.keys.list({ ...filter, limit });
    const { page, next_cursor } = await pageOf(filter.limit, read, ({ id }) => id);
    return { keys: page.map(keyView), next_cursor };
  }

  /** @throws ApiKeyNotFound */
  async view(id: string): Promise<object> {
    return keyView(await this.find(id));
  }

  /**
   * Creates the successor of a live key. The old key stays valid for the overlap.
   * @returns The successor, with its text.
   * @throws ApiKeyNotFound, ApiKeyEnded
   */
  async rotate(id: string, overlapMs: number): Promise<object> {
    await this.find(id);
    const successorId = newId();
    const { text, secretHash } = mintKey(successorId);
    if (!(await this.keys.replace(id, successorId, secretHash, overlapMs))) {
      const { replaced_by, status } = await this.find(id);
      throw new ApiKeyEnded(replaced_by === null && status !== 'active' ? status : 'replaced');
    }
    return { ...(await this.view(successorId)), key: text };
  }

  /**
   * Revokes a key; all processes reject it within 5 s. Revoking it again changes nothing.
   * @throws ApiKeyNotFound
   */
  async revoke(id: string): Promise<object> {
    await this.find(id);
    await this.keys.revoke(id);
    return this.view(id);
  }

  /**
   * @returns The id of the account with a name.
   * @throws AccountNotFound
   */
  async findAccount(name: string): Promise<string> {
    const id = await this.keys.findAccount(name);
    if (id === null) throw new AccountNotFound();
    return id;
  }

  /** @returns The names of those of the accounts that exist, by id. */
  accountNames(ids: string[]): Promise<Map<string, string>> {
    return this.keys.accountNames(ids);
  }

  /** Whether any key is valid now. */
  hasLive(): Promise<boolean> {
    return this.keys.hasLive();
  }

  private async find(id: string): Promise<ApiKeyRow> {
    const row = isUuid(id) ? await this.keys.find(id) : null;
    if (!row) throw new ApiKeyNotFound();
    return row;
  }
}

function keyView({ created_at, expires_at, last_used_at, revoked_at, ...rest }: ApiKeyRow): object {
  return {
    ...rest,
    created_at: created_at.toISOString(),
    expires_at: expires_at?.toISOString() ?? null,
    last_used_at: last_used_at?.toISOString() ?? null,
    revoked_at: revoked_at?.toISOString() ?? null,
  };
}
