import { ConfigError, readConfig } from '../../platform/config/config.js';
import { DaybookError, StartError } from '../../platform/errors.js';
import { QUEUE_NAMES } from '../../platform/config/sections/queue.js';
import type { QueueName } from '../../queue/pauses/queue-name.js';
import type { QueuePauses } from '../../queue/pauses/queue-pauses.service.js';
import type { CommandAction } from '../command-action.js';
import { type Command, UsageError } from '../command.js';

const USAGE = `Usage: daybook queues [COMMAND]

  list          lists the queues and since when they have been paused (default)
  pause NAME    pauses a queue: reports, callbacks or mail
  resume NAME   resumes a queue

A paused queue still accepts work. Workers finish what they have begun. Within a second of a pause they start nothing else
of the queue, and within a second of a resume they go on. A start with HOLD pauses again.
The queues are in the database of DATABASE_URL, or in the embedded one under DATA_DIR; the service may be stopped.
Exit code: 0 done, 1 it cannot be done, 2 the command is not valid.`;

/** The action of a command, null if it changed nothing, and its output, which is shown once the action is committed. */
interface Done {
  action: CommandAction | null;
  lines: string[];
}

/** A command whose arguments are valid. */
type Plan = (queues: QueuePauses) => Promise<Done>;

const list: Plan = async (queues) => {
  const paused = await queues.paused();
  const stateOf = (name: QueueName): string => paused.get(name)?.toISOString() ?? '';
  const lines = QUEUE_NAMES.map((name) =>
    paused.has(name) ? `${name}\tpaused\t${stateOf(name)}` : `${name}\trunning`,
  );
  return { action: null, lines };
};

const pause = (name: QueueName): Plan => {
  return async (queues) =>
    (await queues.pause(name))
      ? { action: { name: 'queue.pause', target: name, detail: null }, lines: [`The queue ${name} is paused.`] }
      : { action: null, lines: [`The queue ${name} was paused already.`] };
};

const resume = (name: QueueName): Plan => {
  return async (queues) =>
    (await queues.resume(name))
      ? { action: { name: 'queue.resume', target: name, detail: null }, lines: [`The queue ${name} is resumed.`] }
      : { action: null, lines: [`The queue ${name} was not paused.`] };
};

/** @throws UsageError */
function planOf([command = 'list', ...args]: string[]): Plan {
  const takesName = command === 'pause' || command === 'resume';
  if (!takesName && command !== 'list') throw new UsageError(`There is no command ${command}`);
  const [name, ...rest] = takesName ? args : ['', ...args];
  if (rest.length > 0) throw new UsageError(`${rest[0]} is one argument too many`);
  if (!takesName) return list;
  if (name === undefined) throw new UsageError(`The name of a queue is missing: ${QUEUE_NAMES.join(', ')}`);
  const queue = QUEUE_NAMES.find((one) => one === name);
  if (!queue) throw new UsageError(`There is no queue ${name}: it must be one of ${QUEUE_NAMES.join(', ')}`);
  return command === 'pause' ? pause(queue) : resume(queue);
}

async function run(args: string[]): Promise<number> {
  const plan = planOf(args);
  const config = readConfig();
  // Loaded after the arguments are checked: it takes half a second.
  const { withQueues } = await import('./queues-database.js');
  let lines: string[] = [];
  await withQueues(config, async (queues) => {
    const done = await plan(queues);
    lines = done.lines;
    return done.action;
  });
  for (const line of lines) console.log(line);
  return 0;
}

const FAILURES = [ConfigError, StartError, DaybookError];

export const queues: Command = {
  name: 'queues',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (FAILURES.some((failure) => error instanceof failure) ? 1 : undefined),
};
