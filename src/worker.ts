import { start } from './app/start.js';
import { WorkerModule } from './app/worker.module.js';

/** A worker only, whatever `ROLE` says. It opens its port for health alone. */
await start(async (config) => {
  config.ROLE = 'worker';
  return [await WorkerModule.register(config)];
});
