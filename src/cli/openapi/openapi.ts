import { type Command, parseOptions } from '../command.js';

const USAGE = `Usage: daybook openapi > openapi.json

Prints the OpenAPI 3.1 document of an installation with default settings, for generators of clients. No database is needed,
and no setting is read. A running service has its own document at /openapi.json.

Exit code: 0 done, 2 the command is not valid.`;

export const openapi: Command = { name: 'daybook', usage: USAGE, run, exitCodeOf: () => undefined };

async function run(args: string[]): Promise<number> {
  parseOptions({ args, options: {} });
  // Imported here, because the other commands have no use for the whole API.
  const { describeApi } = await import('../../app/api-description.js');
  console.log(JSON.stringify(await describeApi(), null, 2));
  return 0;
}
