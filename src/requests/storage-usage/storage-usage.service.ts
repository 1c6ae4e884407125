import { Inject, Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type AccountId, OPEN_INSTALLATION, storedAccount } from '../../platform/tenant.js';
import { StorageUsageStore } from './storage-usage.store.js';

/** Accounts that a process remembers, and for how long after they were last asked for. */
const MAX_KNOWN = 10_000;
const KNOWN_FOR_MS = 60_000;
const VERIFY_EVERY_MS = 86_400_000;

interface Known {
  bytes: number;
  readAtMs: number;
}

/**
 * The bytes of each account's report files, for `MAX_STORAGE_ACCOUNT`. An account that is asked for often is read once a
 * second and not for every question, so an answer may lack what other processes have stored since.
 */
@Injectable()
export class StorageUsage {
  private readonly logger = new Logger(StorageUsage.name);
  private readonly known = new LRUCache<string, Known>({ max: MAX_KNOWN, ttl: KNOWN_FOR_MS, updateAgeOnGet: true });
  private readonly reads: Batcher<AccountId, number>;
  private verifiedAtMs = performance.now();

  constructor(
    private readonly store: StorageUsageStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_STORAGE_ACCOUNT'>,
  ) {
    this.reads = new Batcher((accounts) => store.read(accounts));
  }

  /**
   * Returns the bytes of an account's files, read at most this long ago; 0 without a limit.
   * @throws DatabaseUnavailable, if they have to be read.
   */
  bytesOf(account: AccountId, maxAgeMs: number): number | Promise<number> {
    if (this.config.MAX_STORAGE_ACCOUNT === null) return 0;
    const known = this.known.get(storedAccount(account));
    return known && performance.now() - known.readAtMs <= maxAgeMs ? known.bytes : this.read(account);
  }

  /** Returns the bytes that the account's files may still take; Infinity without a limit. Otherwise as {@link bytesOf}. */
  freeBytes(account: AccountId, maxAgeMs: number): number | Promise<number> {
    const { MAX_STORAGE_ACCOUNT } = this.config;
    if (MAX_STORAGE_ACCOUNT === null) return Number.POSITIVE_INFINITY;
    const free = (bytes: number): number => Math.max(0, MAX_STORAGE_ACCOUNT - bytes);
    const bytes = this.bytesOf(account, maxAgeMs);
    return bytes instanceof Promise ? bytes.then(free) : free(bytes);
  }

  /** Counts files that this process is about to record, until the account is read again. */
  add(account: AccountId, bytes: number): void {
    const known = this.known.peek(storedAccount(account));
    if (known) known.bytes += bytes;
  }

  /** Reads the accounts that were asked for lately. @throws DatabaseUnavailable */
  async refresh(): Promise<void> {
    // Iterating does not prolong their lives.
    const accounts = [...this.known.keys()].map((key) => (key === OPEN_INSTALLATION ? null : key));
    if (accounts.length === 0) return;
    const readAtMs = performance.now();
    const read = await this.store.read(accounts);
    for (const [index, bytes] of read.entries()) {
      const known = this.known.peek(storedAccount(accounts[index]!));
      if (known) Object.assign(known, { bytes, readAtMs });
    }
  }

  /** Folds changes into the sums; once a day it also corrects the sums. Every sweep calls it. */
  async maintain(): Promise<void> {
    while (await this.store.fold());
    if (performance.now() - this.verifiedAtMs < VERIFY_EVERY_MS) return;
    this.verifiedAtMs = performance.now();
    await this.verify();
  }

  /** Corrects the sums of all accounts from their requests. */
  async verify(): Promise<void> {
    for (const { account, drift } of await this.store.verify())
      this.logger.warn(`The stored bytes of account ${account} were ${-drift} too high and are corrected`);
  }

  private async read(account: AccountId): Promise<number> {
    const readAtMs = performance.now();
    const bytes = await this.reads.submit(account);
    this.known.set(storedAccount(account), { bytes, readAtMs });
    return bytes;
  }
}
