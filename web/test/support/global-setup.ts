import start from '../../../test/support/global-setup.js';
import stop from '../../../test/support/global-teardown.js';

/** Starts the Postgres of the run, in which each service has a database of its own. @returns What ends it. */
export default async function setUp(): Promise<() => Promise<void>> {
  await start();
  return stop;
}
