import { Injectable } from '@nestjs/common';
import { KeyedLimiter, type KeyedLimits } from '../../platform/concurrency/keyed-limiter.js';
import type { AccountId } from '../../platform/tenant.js';

/** More reads than streams never wait. */
const WAITING = { maxWaiting: 1_000, waitMs: 10_000 };
/** Reads at a time, each on one database connection. The others are for requests and workers. */
const OF_ACCOUNT: KeyedLimits = { concurrency: 1, ...WAITING };
const OF_PROCESS: KeyedLimits = { concurrency: 2, ...WAITING };

const refusal = (): Error => new Error('Other live views take all the time for reads');

/** Bounds the reads for live views at one time, of each account first, so that they leave the database to other work. */
@Injectable()
export class LiveReads {
  private readonly ofAccount = new KeyedLimiter(OF_ACCOUNT, refusal);
  private readonly ofProcess = new KeyedLimiter(OF_PROCESS, refusal);

  /** @throws Error after waiting for 10 s, and the errors of `read`. */
  run<Result>(account: AccountId, read: () => Promise<Result>): Promise<Result> {
    return this.ofAccount.run(account ?? '', () => this.ofProcess.run('', read));
  }
}
