import { once } from 'node:events';

/** Lets the services of the run end, and waits until they have cleared away. */
export default async function globalTeardown() {
  const services = globalThis.daybookServices;
  if (services.exitCode !== null || services.signalCode !== null) return;
  services.stdin.end();
  await once(services, 'exit');
}
