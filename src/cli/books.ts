import { ConfigError, readConfig } from '../platform/config/config.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { printable } from '../platform/observability/printable.js';
import type { NamedVerification } from './books-database.js';
import { type Command, UsageError, parseOptions } from './command.js';

const USAGE = `Usage: daybook books verify [options], or in a checkout: npm run books -- verify [options]

Compares the books with themselves: orders with their items and their entries in the journal, totals with the rows that they
add up, and the journal with its own rules. It reads one snapshot, and may run while the service works.

  --account         the name of one account, or open for the books of an installation without keys; all by default
  --repair-totals   first writes the totals of customers and of the journal again; orders and the journal never change

Prints a line for each difference, up to 20 of each kind.
The books are in the database of DATABASE_URL, or in the embedded one under DATA_DIR; the service may be stopped.
Exit code: 0 nothing differs, 1 something differs or it cannot be done, 2 the command is not valid.`;

const OPTIONS = { account: { type: 'string' }, 'repair-totals': { type: 'boolean', default: false } } as const;

async function run([name = '', ...args]: string[]): Promise<number> {
  if (name !== 'verify') throw new UsageError(name === '' ? 'A command is missing' : `There is no command ${name}`);
  const { values } = parseOptions({ args, options: OPTIONS });
  const config = readConfig();
  // Loaded after the arguments are checked: it takes half a second.
  const { verifyBooks } = await import('./books-database.js');
  const verification = await verifyBooks(config, values.account, values['repair-totals']);
  for (const line of linesOf(verification)) console.log(printable(line));
  return verification.found.length === 0 ? 0 : 1;
}

function linesOf({ orders, entries, found, names }: NamedVerification): string[] {
  const lines = found.flatMap(({ check, count, findings }) => {
    const shown = findings.map(({ account, detail }) => `${check}: ${names.get(account) ?? account}: ${detail}`);
    const hidden = count - findings.length;
    return hidden > 0 ? [...shown, `${check}: ${counted(hidden, 'more', 'more')}`] : shown;
  });
  const differences = found.reduce((sum, { count }) => sum + count, 0);
  const result = differences === 0 ? 'nothing differs' : counted(differences, 'difference', 'differences');
  const size = `${counted(orders, 'order', 'orders')}, ${counted(entries, 'entry', 'entries')}`;
  return [...lines, `${size}: ${result}`];
}

const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

const FAILURES = [ConfigError, StartError, DaybookError];

export const books: Command = {
  name: 'books',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (FAILURES.some((failure) => error instanceof failure) ? 1 : undefined),
};
