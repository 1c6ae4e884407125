import { runCommand } from './command.js';
import { seed } from './seed.js';

process.exit(await runCommand(seed, process.argv.slice(2)));
