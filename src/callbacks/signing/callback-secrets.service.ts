import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/database.js';
import { DaybookError } from '../../platform/errors.js';
import {
  CallbackSecretStore,
  type KnownSecret,
  MAX_VALID_SECRETS,
  type NewSecret,
  type ValidSecret,
} from './callback-secret.store.js';
import { generatePrivateKey, generateSecret, publicKeyOf } from './signature.js';

/** Another rotation now would make the header of every callback longer than it may become. */
export class TooManyCallbackSecrets extends DaybookError {
  readonly code = 'too-many-callback-secrets';
  constructor() {
    super(
      `${MAX_VALID_SECRETS} secrets sign at the moment, which is the most. Wait until one has expired, or end the old ` +
        'ones with {"expire_old_after": "0s"}.',
    );
  }
}

/** Others rotate at the same moment all the time. */
export class CallbackSecretsBusy extends DaybookError {
  readonly code = 'callback-secrets-busy';
  override readonly retryAfterS = 1;
  constructor() {
    super('The secrets are being rotated by others at this moment. Look at them before you try again.');
  }
}

type Store = Pick<
  CallbackSecretStore,
  'known' | 'valid' | 'addFirst' | 'replace' | 'markFromEnvironment' | 'dropExpired'
>;

/** Each try that fails has seen somebody else succeed. */
const MAX_TRIES = 20;

/**
 * What a start does about the secrets. The environment's is taken when it is another one than the environment gave last;
 * an old one that was rotated away over the API since does not come back by a restart.
 */
export function stepAtStart(
  known: Pick<KnownSecret, 'secret' | 'fromEnvironment'>[],
  configured: string | undefined,
): 'nothing' | 'add' | 'mark' {
  const [newest] = known;
  if (!newest) return 'add';
  const last = known.find(({ fromEnvironment }) => fromEnvironment);
  if (configured === undefined || configured === last?.secret) return 'nothing';
  return newest.secret === configured ? 'mark' : 'add';
}

/** The secrets that callbacks are signed with: the first one, rotation, and what signs now. */
@Injectable()
export class CallbackSecretsService implements OnModuleInit {
  private readonly logger = new Logger(CallbackSecretsService.name);
  private prepared: Promise<void> | undefined;

  constructor(
    @Inject(CallbackSecretStore) private readonly store: Store,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'CALLBACK_SECRET' | 'CALLBACK_SECRET_OVERLAP' | 'CALLBACK_SIGNATURE'>,
  ) {}

  onModuleInit(): Promise<void> {
    return this.prepare();
  }

  /** Makes sure that there is a secret, and that it is the environment's if that is a new one. Once a process. */
  prepare(): Promise<void> {
    this.prepared ??= throughOutage(() => this.adopt());
    return this.prepared;
  }

  /** What signs now, newest first. */
  valid(): Promise<ValidSecret[]> {
    return this.store.valid();
  }

  /** For the operator, who tells receivers. */
  async list(): Promise<{ secrets: object[] }> {
    const secrets = await this.store.valid();
    return { secrets: secrets.map((one) => viewOf(one, { secret: one.secret })) };
  }

  /** For everybody: what `v1a` signatures are verified with. */
  async publicKeys(): Promise<{ in_use: boolean; public_keys: object[] }> {
    const secrets = await this.store.valid();
    return {
      in_use: this.config.CALLBACK_SIGNATURE !== 'v1',
      public_keys: secrets.map((one) => viewOf(one, { public_key: publicKeyOf(one.privateKey) })),
    };
  }

  /**
   * Lets a new secret sign from now on. The old ones sign too until they expire.
   * @param overlapMs How long from now they do so at the most; by default `CALLBACK_SECRET_OVERLAP`.
   * @throws TooManyCallbackSecrets
   */
  async rotate(overlapMs = this.config.CALLBACK_SECRET_OVERLAP): Promise<void> {
    await this.add(async () => {
      const valid = await this.store.valid();
      if (overlapMs > 0 && valid.length >= MAX_VALID_SECRETS) throw new TooManyCallbackSecrets();
      return { replacedId: valid[0]?.id, secret: generateSecret(), fromEnvironment: false, overlapMs };
    });
    this.logger.log('The secret of callbacks was rotated');
    await this.store.dropExpired();
  }

  private async adopt(): Promise<void> {
    const { CALLBACK_SECRET: configured, CALLBACK_SECRET_OVERLAP: overlapMs } = this.config;
    const isAdded = await this.add(async () => {
      const known = await this.store.known();
      const newest = known[0];
      const step = stepAtStart(known, configured);
      if (step === 'mark') await this.store.markFromEnvironment(newest!.id);
      if (step !== 'add') return null;
      const fromEnvironment = configured !== undefined;
      return { replacedId: newest?.id, secret: configured ?? generateSecret(), fromEnvironment, overlapMs };
    });
    if (isAdded) this.logger.log('Callbacks have a new secret; GET /api/callback-secrets shows it');
  }

  /**
   * Adds a secret to what there is. Who finds that somebody else was faster decides anew.
   * @param decide Gives null to leave everything as it is.
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
          ? await this.store.addFirst(fresh)
          : await this.store.replace(replacedId, fresh, overlapMs);
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
