import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { KeyedLimiter } from '../../../platform/concurrency/keyed-limiter.js';
import { PasswordsBusy } from '../users.errors.js';

/** argon2id is the algorithm's default. OWASP's minimum: 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** A hash that no password has, for unknown addresses. It costs the same to check. */
const NO_PASSWORD = '$argon2id$v=19$m=19456,t=2,p=1$8FKVNTrblLRZRWDsLHhdig$5hpMfJS6Seys08F0oxvFH+bBkJssgEJkPnafSvinwZY';
/** Hashes at once: each occupies a core and one of libuv's four threads, which files and tokens need too. */
const CONCURRENCY = availableParallelism() > 2 ? 2 : 1;
const LIMITS = { concurrency: CONCURRENCY, maxWaiting: 40, waitMs: 30_000 };
/** Measured: 47 ms on one core. It only sets `Retry-After`. */
const EXPECTED_MS = 50;
const RETRY_AFTER_S = Math.ceil((LIMITS.maxWaiting * EXPECTED_MS) / CONCURRENCY / 1_000);
/** One queue for the passwords of all users. */
const ALL = 'passwords';

/** Hashes and checks passwords, a few at a time, so that a flood of logins leaves the cores to other requests. */
@Injectable()
export class PasswordHasher {
  private readonly limiter = new KeyedLimiter(LIMITS, () => new PasswordsBusy(RETRY_AFTER_S));

  /** @returns The argon2id hash in the PHC string format. @throws PasswordsBusy */
  hash(password: string): Promise<string> {
    return this.limiter.run(ALL, () => hash(normalized(password), OPTIONS));
  }

  /**
   * Checks a password. The time does not depend on the result.
   * @param passwordHash Null for an unknown user; the result is then false.
   * @throws PasswordsBusy
   */
  async verify(passwordHash: string | null, password: string): Promise<boolean> {
    const fits = await this.limiter.run(ALL, () => verify(passwordHash ?? NO_PASSWORD, normalized(password)));
    return fits && passwordHash !== null;
  }
}

/** Keyboards compose the same characters differently (NIST SP 800-63B, section 3.1.1.2). */
const normalized = (password: string): string => password.normalize('NFKC');
