import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/outages.js';
import { DaybookError } from '../../platform/errors.js';
import {
  CallbackSecretRepository,
  type KnownSecret,
  MAX_VALID_SECRETS,
  type NewSecret,
  type ValidSecret,
} from './callback-secret.repository.js';
import { generatePrivateKey, generateSecret, publicKeyOf } from './signature.js';

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
  constructor() {
    super('Other callers are rotating the secrets. Check the current secrets before you try again.');
  }
}

type Secrets = Pick<
  CallbackSecretRepository,
  'known' | 'valid' | 'addFirst' | 'replace' | 'markFromEnvironment' | 'dropExpired'
>;

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

/** Creates the first secret, rotates secrets and lists the valid ones. */
@Injectable()
export class CallbackSecretsService implements OnModuleInit {
  private readonly logger = new Logger(CallbackSecretsService.name);
  private prepared: Promise<void> | undefined;

  constructor(
    @Inject(CallbackSecretRepository) private readonly secrets: Secrets,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'CALLBACK_SECRET' | 'CALLBACK_SECRET_OVERLAP' | 'CALLBACK_SIGNATURE'>,
  ) {}

  onModuleInit(): Promise<void> {
    return this.prepare();
  }

  /** Ensures that a secret exists and that a newly configured one is in use. Runs once per process. */
  prepare(): Promise<void> {
    this.prepared ??= throughOutage(() => this.ensureSecret());
    return this.prepared;
  }

  /** @returns The secrets that sign, newest first. */
  valid(): Promise<ValidSecret[]> {
    return this.secrets.valid();
  }

  /** @returns The valid secrets with their text, for operators. */
  async list(): Promise<{ secrets: object[] }> {
    const secrets = await this.secrets.valid();
    return { secrets: secrets.map((one) => viewOf(one, { secret: one.secret })) };
  }

  /** @returns The public keys that verify `v1a` signatures. */
  async publicKeys(): Promise<{ in_use: boolean; public_keys: object[] }> {
    const secrets = await this.secrets.valid();
    return {
      in_use: this.config.CALLBACK_SIGNATURE !== 'v1',
      public_keys: secrets.map((one) => viewOf(one, { public_key: publicKeyOf(one.privateKey) })),
    };
  }

  /**
   * Adds a new secret. The old ones also sign until they expire.
   * @param overlapMs Longest remaining validity of the old ones; by default `CALLBACK_SECRET_OVERLAP`.
   * @throws TooManyCallbackSecrets, CallbackSecretsBusy
   */
  async rotate(overlapMs = this.config.CALLBACK_SECRET_OVERLAP): Promise<void> {
    await this.add(async () => {
      const valid = await this.secrets.valid();
      if (overlapMs > 0 && valid.length >= MAX_VALID_SECRETS) throw new TooManyCallbackSecrets();
      return { replacedId: valid[0]?.id, secret: generateSecret(), fromEnvironment: false, overlapMs };
    });
    this.logger.log('The callback secret was rotated');
    await this.secrets.dropExpired();
  }

  private async ensureSecret(): Promise<void> {
    const { CALLBACK_SECRET: configured, CALLBACK_SECRET_OVERLAP: overlapMs } = this.config;
    const isAdded = await this.add(async () => {
      const known = await this.secrets.known();
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
   * Adds a secret. When a concurrent rotation was faster, `decide` is called again.
   * @param decide Returns the secret to add, or null for no change.
   * @returns Whether a secret was added.
   * @throws CallbackSecretsBusy
   */
  private async add(
    decide: () => Promise<(Pick<NewSecret, 'secret' | 'fromEnvironment'> & Replacing) | null>,
  ): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const decided = await decide();
      if (!decided) return false;
      const { replacedId, overlapMs, ...rest } = decided;
      const fresh = { ...rest, id: newId(), privateKey: generatePrivateKey() };
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
