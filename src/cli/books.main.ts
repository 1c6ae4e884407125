import { books } from './books.js';
import { runCommand } from './command.js';

process.exit(await runCommand(books, process.argv.slice(2)));
