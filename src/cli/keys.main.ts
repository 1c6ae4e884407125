import 'reflect-metadata';
import { main } from './keys.js';

process.exit(await main(process.argv.slice(2)));
