import type { z } from 'zod';
import { createKeyBody, rotateKeyBody } from '../accounts/api-keys.schema.js';
import type { ApiKeysService } from '../accounts/api-keys.service.js';
import { ConfigError, readConfig } from '../platform/config/config.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { shortText } from '../requests/actions/action-detail.js';
import type { CommandAction } from './command-action.js';
import { printable } from '../platform/observability/printable.js';
import { type Command, UsageError, parseOptions } from './command.js';

const USAGE = `Usage: daybook keys COMMAND [options], or in a checkout: npm run keys -- COMMAND [options]

  create --name NAME --scope SCOPE   creates a key and prints it, this once
    --scope        reports:read, reports:write, books:read, books:write or admin; may be repeated
    --account      the account whose data the key can access (default); it is created if necessary
    --expires-in   lifetime of the key, such as 90d; unlimited by default
  list             lists the keys, newest first
    --account      only the keys of this account
  rotate ID        creates a successor of a key and prints it, this once
    --overlap      how long the old key stays valid, from 0s to 30d (24h)
  revoke ID        revokes a key; all processes reject it within 5 s

The keys are in the database of DATABASE_URL, or in the embedded one under DATA_DIR; the service may be stopped.
A new key is printed to standard output, everything else about it to standard error.
Exit code: 0 done, 1 it cannot be done, 2 the command is not valid.`;

/** Keys of one query of the listing. */
const PAGE = 200;

/** A key as the service returns it. */
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

/** The action of a command, and the output that it shows once the action is committed. */
interface Done {
  /** For the action log; null if it changed nothing. */
  action: CommandAction | null;
  show: () => void;
}

/** A command whose options and argument are valid. */
type Plan = (keys: ApiKeysService) => Promise<Done>;

const COMMANDS: Record<
  string,
  { options: (keyof Options)[]; takesId: boolean; plan: (given: Options, id: string) => Plan }
> = {
  create: {
    options: ['name', 'scope', 'account', 'expires-in'],
    takesId: false,
    plan: ({ name, account, scope, 'expires-in': expires_in }) => {
      const body = checked(createKeyBody, { name, account, scopes: scope ?? [], expires_in });
      const { expires_in: expiresInMs = null, ...wanted } = body;
      return async (keys) => {
        const created = (await keys.create({ ...wanted, expiresInMs })) as Shown;
        const detail = { name: shortText(wanted.name), account: wanted.account, scopes: wanted.scopes };
        return { action: { name: 'key.create', target: created.id, detail }, show: () => showNew(created) };
      };
    },
  },
  list: {
    options: ['account'],
    takesId: false,
    plan:
      ({ account }) =>
      async (keys) => {
        const lines = await list(keys, account);
        return { action: null, show: () => lines.forEach((line) => console.log(line)) };
      },
  },
  rotate: {
    options: ['overlap'],
    takesId: true,
    plan: ({ overlap }, id) => {
      const body = checked(rotateKeyBody, { overlap });
      return async (keys) => {
        const successor = (await keys.rotate(id, body.overlap)) as Shown;
        const detail = { new_id: successor.id };
        return { action: { name: 'key.rotate', target: id, detail }, show: () => showNew(successor) };
      };
    },
  },
  revoke: {
    options: [],
    takesId: true,
    plan: (_, id) => async (keys) => {
      await keys.revoke(id);
      const show = (): void => console.error(`Key ${printable(id)} is revoked. All processes reject it within 5 s.`);
      return { action: { name: 'key.revoke', target: id, detail: null }, show };
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
  console.error(`Key ${id} of account ${printable(account)}: ${scopes.join(', ')}; expires ${expires_at ?? 'never'}.`);
  console.error('It is not shown again:');
  console.log(key);
}

async function list(keys: ApiKeysService, account: string | undefined): Promise<string[]> {
  const lines: string[] = [];
  let beforeId: string | undefined;
  do {
    const page = await keys.list({ account, beforeId, limit: PAGE });
    for (const { id, status, account: of, scopes, expires_at, last_used_at, name } of page.keys as Shown[]) {
      const times = `expires ${expires_at ?? 'never'}\tlast used ${last_used_at ?? 'never'}`;
      // Names that were stored by earlier versions may have control characters.
      lines.push([id, status, printable(of), scopes.join(','), times, printable(name)].join('\t'));
    }
    beforeId = page.next_cursor ?? undefined;
  } while (beforeId !== undefined);
  return lines;
}

/** @throws UsageError */
function planOf([name = '', ...args]: string[]): Plan {
  const command = COMMANDS[name];
  if (!command) throw new UsageError(name === '' ? 'A command is missing' : `There is no command ${name}`);
  const options = Object.fromEntries(
    command.options.map((option) => [option, { type: 'string' as const, multiple: option === 'scope' }]),
  );
  const { positionals, values } = parseOptions({ args, options, allowPositionals: true });
  const [id = '', ...rest] = positionals;
  if (command.takesId && id === '') throw new UsageError('The id of a key is missing; `list` shows it');
  if (rest.length > 0 || (!command.takesId && id !== ''))
    throw new UsageError(`${rest[0] ?? id} is one argument too many`);
  const { scope, ...others } = values as Options;
  return command.plan({ ...others, scope: scope?.flatMap((text) => text.split(',')) }, id);
}

async function run(args: string[]): Promise<number> {
  const plan = planOf(args);
  const config = readConfig();
  // Loaded after the arguments are checked: it takes half a second.
  const { withKeys } = await import('./keys-database.js');
  let show: Done['show'] = () => undefined;
  await withKeys(config, async (keys) => {
    const done = await plan(keys);
    show = done.show;
    return done.action;
  });
  show();
  return 0;
}

const FAILURES = [ConfigError, StartError, DaybookError];

export const keys: Command = {
  name: 'keys',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (FAILURES.some((failure) => error instanceof failure) ? 1 : undefined),
};
