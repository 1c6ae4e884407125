import 'reflect-metadata';
import { main } from './keys-cli.js';

process.exit(await main(process.argv.slice(2)));
