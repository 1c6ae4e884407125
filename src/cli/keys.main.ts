import { runCommand } from './command.js';
import { keys } from './keys.js';

process.exit(await runCommand(keys, process.argv.slice(2)));
