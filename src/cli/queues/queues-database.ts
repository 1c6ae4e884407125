import type { Config } from '../../platform/config/config.js';
import { QueuePause } from '../../queue/pauses/queue-pause.entity.js';
import { QueuePausesRepository } from '../../queue/pauses/queue-pauses.repository.js';
import { QueuePauses } from '../../queue/pauses/queue-pauses.service.js';
import { type CommandAction, recordAction } from '../command-action.js';
import { withDataSource } from '../with-data-source.js';

/** The workers read the pauses themselves, every second. */
const NO_WAKE_UPS = { wake: (): void => undefined };

/**
 * Runs a command on the queues in the database of the given settings, in one transaction with its entry in the action log.
 * @param run Returns what it did, or null if it changed nothing.
 * @throws StartError if the database is unavailable.
 */
export async function withQueues(
  config: Config,
  run: (queues: QueuePauses) => Promise<CommandAction | null>,
): Promise<void> {
  await withDataSource(config, (dataSource) =>
    dataSource.transaction(async (manager) => {
      const pauses = new QueuePausesRepository(manager.getRepository(QueuePause));
      const action = await run(new QueuePauses(pauses, NO_WAKE_UPS));
      if (action) await recordAction(manager, action);
    }),
  );
}
