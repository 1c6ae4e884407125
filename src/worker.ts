import { start } from './app/start.js';
import { WorkerModule } from './app/worker.module.js';

/** A worker, regardless of `ROLE`. It serves only health and metrics on its port. */
await start(async (config) => [await WorkerModule.register(config)], { ROLE: 'worker' });
