import { start } from './app/start.js';

/** The HTTP API, the worker, or both, as `ROLE` says. */
await start(async (config) => {
  const modules = [];
  // Imported only when needed: a worker has no use for controllers, an API none for the queue's consumers.
  if (config.ROLE !== 'worker') modules.push((await import('./app/api.module.js')).ApiModule.register(config));
  if (config.ROLE !== 'api') modules.push(await (await import('./app/worker.module.js')).WorkerModule.register(config));
  return modules;
});
