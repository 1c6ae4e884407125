import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AccountNames } from '../../accounts/account-names.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/outages.js';
import { DaybookError } from '../../platform/errors.js';
import { type AccountId, OPEN_INSTALLATION, storedAccount } from '../../platform/tenant.js';
import {
  CallbackSecretRepository,
  type KnownSecret,
  MAX_VALID_SECRETS,
  type NewSecret,
  type ValidSecret,
} from './callback-secret.repository.js';
import type { AccountSecrets } from './callback-signer.js';
import { freshSecret } from './first-callback-secret.js';
import { generateSecret, publicKeyOf } from './signature.js';

/** A rotation would exceed the number of signatures that a callback may carry. */
export class TooManyCallbackSecrets extends DaybookError {
  readonly code = 'too-many-callback-secrets';
  constructor() {
    super(
      `${MAX_VALID_SECRETS} secrets are valid, which is the limit. Wait until one has expired, or expire the old ones ` +
        'with {"expire_old_after": "0s"}.',
    );
  }
}

/** Concurrent rotations won every try. */
export class CallbackSecretsBusy extends DaybookError {
  readonly code = 'callback-secrets-busy';
  override readonly retryAfterS = 1;
  override readonly message = 'Other callers are rotating the secrets. Check the current secrets before you try again.';
}

type Secrets = Pick<
  CallbackSecretRepository,
  'known' | 'valid' | 'addFirst' | 'replace' | 'markFromEnvironment' | 'dropExpired'
>;

/** The name of the account in callbacks with `AUTH=open`. */
const OPEN_NAME = 'open';

/** A try fails only when a concurrent one succeeds. */
const MAX_TRIES = 20;

/**
 * Decides whether a start changes the secrets. The configured secret is added when it differs from the last one of the
 * environment. A configured secret that was rotated away over the API does not come back with a restart.
 */
export function stepAtStart(
  known: Pick<KnownSecret, 'secret' | 'fromEnvironment'>[],
  configured: string | undefined,
): 'nothing' | 'add' | 'adopt' {
  const [newest] = known;
  if (!newest) return 'add';
  const last = known.find(({ fromEnvironment }) => fromEnvironment);
  if (configured === undefined || configured === last?.secret) return 'nothing';
  return newest.secret === configured ? 'adopt' : 'add';
}

/**
 * Creates the first secret of each account when it is needed, rotates secrets and lists the valid ones. The open installation
 * (`AUTH=open`) counts as an account, and `CALLBACK_SECRET` is its secret.
 */
@Injectable()
export class CallbackSecretsService implements OnModuleInit {
  private readonly logger = new Logger(CallbackSecretsService.name);
  private prepared: Promise<void> | undefined;

  constructor(
    @Inject(CallbackSecretRepository) private readonly secrets: Secrets,
    @Inject(CONFIG)
    private readonly config: Pick<
      Config,
      'AUTH' | 'CALLBACK_SECRET' | 'CALLBACK_SECRET_OVERLAP' | 'CALLBACK_SIGNATURE'
    >,
    @Inject(AccountNames) private readonly names: Pick<AccountNames, 'find'>,
  ) {}

  onModuleInit(): Promise<void> {
    const { AUTH, CALLBACK_SECRET } = this.config;
    if (AUTH === 'required' && CALLBACK_SECRET !== undefined) {
      this.logger.warn(
        'CALLBACK_SECRET signs only callbacks of requests that were accepted with AUTH=open. Each account has a secret ' +
          'of its own; see GET /api/callback-secrets',
      );
    }
    return this.prepare();
  }

  /** Ensures that the open installation has a secret and uses a newly configured one. Runs once per process. */
  prepare(): Promise<void> {
    const { AUTH, CALLBACK_SECRET } = this.config;
    if (AUTH === 'required' && CALLBACK_SECRET === undefined) return Promise.resolve();
    this.prepared ??= throughOutage(() => this.ensureConfigured());
    return this.prepared;
  }

  /**
   * Reads the secrets that sign, with at most two queries for accounts that have some. An account that has none gets its first one.
   * @returns The name and the valid secrets of each account by its id ({@link OPEN_INSTALLATION} for the open one).
   */
  async signing(accountIds: string[]): Promise<Map<string, AccountSecrets>> {
    await this.prepare();
    const [secrets, names] = await Promise.all([
      this.validOf(accountIds),
      this.names.find(accountIds.filter((id) => id !== OPEN_INSTALLATION)),
    ]);
    const nameOf = (id: string): string => (id === OPEN_INSTALLATION ? OPEN_NAME : (names.get(id) ?? id));
    return new Map(accountIds.map((id) => [id, { name: nameOf(id), secrets: secrets.get(id)! }]));
  }

  /** @returns The valid secrets of an account with their text. */
  async list(account: AccountId): Promise<{ secrets: object[] }> {
    const secrets = await this.valid(account);
    return { secrets: secrets.map((one) => viewOf(one, { secret: one.secret })) };
  }

  /** @returns The public keys that verify the `v1a` signatures of an account. */
  async publicKeys(account: AccountId): Promise<{ in_use: boolean; public_keys: object[] }> {
    const secrets = await this.valid(account);
    return {
      in_use: this.config.CALLBACK_SIGNATURE !== 'v1',
      public_keys: secrets.map((one) => viewOf(one, { public_key: publicKeyOf(one.privateKey) })),
    };
  }

  /**
   * Adds a new secret to an account. Its old ones also sign until they expire.
   * @param overlapMs Longest remaining validity of the old ones; by default `CALLBACK_SECRET_OVERLAP`.
   * @throws TooManyCallbackSecrets, CallbackSecretsBusy
   */
  async rotate(account: AccountId, overlapMs = this.config.CALLBACK_SECRET_OVERLAP): Promise<void> {
    const accountId = storedAccount(account);
    await this.add(accountId, async () => {
      const valid = await this.valid(account);
      if (overlapMs > 0 && valid.length >= MAX_VALID_SECRETS) throw new TooManyCallbackSecrets();
      return { replacedId: valid[0]?.id, secret: generateSecret(), fromEnvironment: false, overlapMs };
    });
    this.logger.log(
      `The callback secret of ${account === null ? 'the installation' : `account ${account}`} was rotated`,
    );
    await this.secrets.dropExpired(accountId);
  }

  /** The valid secrets of an account, newest first. */
  private async valid(account: AccountId): Promise<ValidSecret[]> {
    await this.prepare();
    return this.secrets.valid([storedAccount(account)]);
  }

  /** The valid secrets of accounts, newest first. An account that has none gets its first one. */
  private async validOf(accountIds: string[]): Promise<Map<string, ValidSecret[]>> {
    let valid = await this.secrets.valid(accountIds);
    const having = new Set(valid.map(({ accountId }) => accountId));
    const lacking = accountIds.filter((id) => !having.has(id));
    if (lacking.length > 0) {
      for (const accountId of lacking) await this.secrets.addFirst(freshSecret(accountId));
      valid = await this.secrets.valid(accountIds);
    }
    return new Map(accountIds.map((id) => [id, valid.filter(({ accountId }) => accountId === id)]));
  }

  private async ensureConfigured(): Promise<void> {
    const { CALLBACK_SECRET: configured, CALLBACK_SECRET_OVERLAP: overlapMs } = this.config;
    const isAdded = await this.add(OPEN_INSTALLATION, async () => {
      const known = await this.secrets.known(OPEN_INSTALLATION);
      const newest = known[0];
      const step = stepAtStart(known, configured);
      if (step === 'adopt') await this.secrets.markFromEnvironment(newest!.id);
      if (step !== 'add') return null;
      const fromEnvironment = configured !== undefined;
      return { replacedId: newest?.id, secret: configured ?? generateSecret(), fromEnvironment, overlapMs };
    });
    if (isAdded) this.logger.log('Callbacks have a new secret; see GET /api/callback-secrets');
  }

  /**
   * Adds a secret to an account. When a concurrent rotation was faster, `decide` is called again.
   * @param decide Returns the secret to add, or null for no change.
   * @returns Whether a secret was added.
   * @throws CallbackSecretsBusy
   */
  private async add(
    accountId: string,
    decide: () => Promise<(Pick<NewSecret, 'secret' | 'fromEnvironment'> & Replacing) | null>,
  ): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const decided = await decide();
      if (!decided) return false;
      const { replacedId, overlapMs, secret, fromEnvironment } = decided;
      const fresh = freshSecret(accountId, secret, fromEnvironment);
      const isAdded =
        replacedId === undefined
          ? await this.secrets.addFirst(fresh)
          : await this.secrets.replace(replacedId, fresh, overlapMs);
      if (isAdded) return true;
    }
    throw new CallbackSecretsBusy();
  }
}

interface Replacing {
  replacedId: string | undefined;
  overlapMs: number;
}

function viewOf({ id, createdAt, expiresAt }: ValidSecret, shown: object): object {
  return { id, created_at: createdAt.toISOString(), expires_at: expiresAt?.toISOString() ?? null, ...shown };
}
