import { Inject, Injectable } from '@nestjs/common';
import { NewAccounts } from '../../accounts/new-accounts.js';
import { newId } from '../../platform/ids.js';
import { CallbackSecretRepository, type NewSecret } from './callback-secret.repository.js';
import { generatePrivateKey, generateSecret } from './signature.js';

/** Gives each new account its first callback secret, so that reading the secrets creates none. */
@Injectable()
export class FirstCallbackSecret extends NewAccounts {
  constructor(@Inject(CallbackSecretRepository) private readonly secrets: Pick<CallbackSecretRepository, 'addFirst'>) {
    super();
  }

  async prepare(accountId: string): Promise<void> {
    await this.secrets.addFirst(freshSecret(accountId));
  }
}

/** Returns a new secret of an account, by default a generated one. */
export function freshSecret(accountId: string, secret = generateSecret(), fromEnvironment = false): NewSecret {
  return { id: newId(), accountId, secret, privateKey: generatePrivateKey(), fromEnvironment };
}
