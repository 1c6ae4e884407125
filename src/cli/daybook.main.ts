import { books } from './books.js';
import { type Command, UsageError, runCommand } from './command.js';
import { keys } from './keys.js';
import { openapi } from './openapi/openapi.js';
import { queues } from './queues/queues.js';
import { seed } from './seed.js';
import { storage } from './storage/storage.js';
import { verify } from './verify.js';

const COMMANDS = new Map<string, Command>([
  ['verify', verify],
  ['keys', keys],
  ['books', books],
  ['seed', seed],
  ['queues', queues],
  ['storage', storage],
  ['openapi', openapi],
]);

const daybook: Command = {
  name: 'daybook',
  usage: `Usage: daybook COMMAND [options]

  verify   checks a captured callback
  keys     creates, lists, rotates and revokes API keys
  books    verifies the books
  seed     adds generated books
  queues   shows, pauses and resumes queues
  storage  moves report files from the disk to a bucket
  openapi  prints the API's OpenAPI document

daybook COMMAND --help describes a command. daybook --version prints the version.`,
  run: ([name]) => {
    throw new UsageError(name === undefined ? 'A command is missing' : `There is no command ${name}`);
  },
  exitCodeOf: () => undefined,
};

const [name = '', ...args] = process.argv.slice(2);
const command = COMMANDS.get(name);
process.exitCode = await (command ? runCommand(command, args) : runCommand(daybook, process.argv.slice(2)));
