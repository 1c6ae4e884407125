import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { ConfigError, readConfig } from '../platform/config/config.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { createKeyBody, rotateKeyBody } from '../accounts/api-keys.schema.js';
import type { ApiKeysService } from '../accounts/api-keys.service.js';

const USAGE = `Usage: npm run keys -- COMMAND [options]

  create --name NAME --scope SCOPE   makes a key and prints it, this once
    --scope        reports:read, reports:write or admin; may be repeated
    --account      whose data the key sees (default); the account is made if need be
    --expires-in   how long the key is good, such as 90d; for ever without it
  list             lists the keys, newest first
    --account      of one account
  rotate ID        makes a key in the place of another and prints it, this once
    --overlap      how long the old key is good too, from 0s to 30d (24h)
  revoke ID        ends a key; every process knows it within 5 s

The keys are in the database of DATABASE_URL, or in the embedded one under DATA_DIR; the service need not run.
A new key goes to standard output, everything about it to standard error.
Exit code: 0 done, 1 it cannot be done, 2 the command cannot be understood.`;

/** Rows that a listing asks for at a time. */
const PAGE = 200;

/** The command cannot be understood. */
class UsageError extends Error {}

/** A key as the service shows it. */
interface Shown {
  id: string;
  key: string;
  name: string;
  account: string;
  scopes: string[];
  status: string;
  expires_at: string | null;
  last_used_at: string | null;
}

type Options = Partial<Record<'name' | 'account' | 'expires-in' | 'overlap', string>> & { scope?: string[] };

/** What a command does with the keys; its options and argument have been checked by then. */
type Act = (keys: ApiKeysService) => Promise<void>;

const COMMANDS: Record<
  string,
  { options: (keyof Options)[]; takesId: boolean; plan: (given: Options, id: string) => Act }
> = {
  create: {
    options: ['name', 'scope', 'account', 'expires-in'],
    takesId: false,
    plan: ({ name, account, scope, 'expires-in': expires_in }) => {
      const body = checked(createKeyBody, { name, account, scopes: scope ?? [], expires_in });
      const { expires_in: expiresInMs = null, ...wanted } = body;
      return async (keys) => showNew((await keys.create({ ...wanted, expiresInMs })) as Shown);
    },
  },
  list: {
    options: ['account'],
    takesId: false,
    plan:
      ({ account }) =>
      (keys) =>
        list(keys, account),
  },
  rotate: {
    options: ['overlap'],
    takesId: true,
    plan: ({ overlap }, id) => {
      const body = checked(rotateKeyBody, { overlap });
      return async (keys) => showNew((await keys.rotate(id, body.overlap)) as Shown);
    },
  },
  revoke: {
    options: [],
    takesId: true,
    plan: (_, id) => async (keys) => {
      await keys.revoke(id);
      console.error(`Key ${id} is revoked. Every process knows it within 5 s.`);
    },
  },
};

function checked<Schema extends z.ZodType>(schema: Schema, given: object): z.output<Schema> {
  const { data, error } = schema.safeParse(given);
  if (!error) return data;
  const { path, message } = error.issues[0]!;
  const option = { scopes: '--scope', expires_in: '--expires-in' }[String(path[0])] ?? `--${String(path[0])}`;
  if (path.length === 1 && [undefined, 0].includes((given as Record<string, string>)[String(path[0])]?.length))
    throw new UsageError(`${option} is missing`);
  throw new UsageError(`${option} is not valid: ${message}`);
}

function showNew({ id, key, account, scopes, expires_at }: Shown): void {
  console.error(`Key ${id} of account ${account}: ${scopes.join(', ')}; expires ${expires_at ?? 'never'}.`);
  console.error('This is the only time that it is shown:');
  console.log(key);
}

async function list(keys: ApiKeysService, account: string | undefined): Promise<void> {
  let beforeId: string | undefined;
  do {
    const page = await keys.list({ account, beforeId, limit: PAGE });
    for (const { id, status, account: of, scopes, expires_at, last_used_at, name } of page.keys as Shown[]) {
      const times = `expires ${expires_at ?? 'never'}\tlast used ${last_used_at ?? 'never'}`;
      console.log([id, status, of, scopes.join(','), times, name].join('\t'));
    }
    beforeId = page.next_cursor ?? undefined;
  } while (beforeId !== undefined);
}

/** @throws UsageError */
function parsed([name = '', ...args]: string[]): Act {
  const command = COMMANDS[name];
  if (!command) throw new UsageError(name === '' ? 'A command is missing' : `There is no command ${name}`);
  const options = Object.fromEntries(
    command.options.map((option) => [option, { type: 'string' as const, multiple: option === 'scope' }]),
  );
  let given;
  try {
    given = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\.? To specify|\n/)[0]);
  }
  const [id = '', ...rest] = given.positionals;
  if (command.takesId && id === '') throw new UsageError('The id of a key is missing; `list` shows it');
  if (rest.length > 0 || (!command.takesId && id !== ''))
    throw new UsageError(`${rest[0] ?? id} is one argument too many`);
  const { scope, ...values } = given.values as Options;
  return command.plan({ ...values, scope: scope?.flatMap((text) => text.split(',')) }, id);
}

/** @returns The exit code. What is wrong is said in one line. */
export async function main(args: string[]): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const act = parsed(args);
    const config = readConfig();
    // Half a second's worth of modules, which who mistyped a command need not wait for.
    const { withKeys } = await import('./keys-database.js');
    await withKeys(config, act);
    return 0;
  } catch (error) {
    const isExpected = [UsageError, ConfigError, StartError, DaybookError].some(
      (expected) => error instanceof expected,
    );
    if (!isExpected) throw error;
    console.error(`keys: ${(error as Error).message}`);
    if (!(error instanceof UsageError)) return 1;
    console.error('npm run keys -- --help shows what there is.');
    return 2;
  }
}
