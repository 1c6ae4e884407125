import { once } from 'node:events';

/** Ends the services of the run, and waits until they have cleaned up. */
export default async function globalTeardown() {
  const services = globalThis.daybookServices;
  if (services.exitCode !== null || services.signalCode !== null) return;
  services.stdin.end();
  await once(services, 'exit');
}
