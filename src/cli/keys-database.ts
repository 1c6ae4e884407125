import type { Config } from '../platform/config/config.js';
import { ApiKeysService } from '../accounts/api-keys.service.js';
import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { ApiKeyRepository } from '../accounts/api-key.repository.js';
import { CallbackSecret } from '../callbacks/signing/callback-secret.entity.js';
import { CallbackSecretRepository } from '../callbacks/signing/callback-secret.repository.js';
import { FirstCallbackSecret } from '../callbacks/signing/first-callback-secret.js';
import { type CommandAction, recordAction } from './command-action.js';
import { withDataSource } from './with-data-source.js';

/**
 * Runs a command on the keys in the database of the given settings, in one transaction with its entry in the action log.
 * @param run Returns what it did, or null if it changed nothing.
 * @throws StartError if the database is unavailable.
 */
export async function withKeys(
  config: Config,
  run: (keys: ApiKeysService) => Promise<CommandAction | null>,
): Promise<void> {
  await withDataSource(config, (dataSource) =>
    dataSource.transaction(async (manager) => {
      const keys = new ApiKeyRepository(manager.getRepository(ApiKey), manager.getRepository(Account));
      const secrets = new CallbackSecretRepository(manager.getRepository(CallbackSecret));
      const action = await run(new ApiKeysService(keys, new FirstCallbackSecret(secrets)));
      if (action) await recordAction(manager, action);
    }),
  );
}
