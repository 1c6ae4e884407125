import { userInfo } from 'node:os';
import { newId } from '../platform/ids.js';
import { shortText } from '../requests/actions/action-detail.js';
import { ActionRecord } from '../requests/actions/action.entity.js';
import { ActionRepository, type NewAction } from '../requests/actions/action.repository.js';
import type { DataSource, EntityManager } from 'typeorm';

/** A change that a command made, for the action log. */
export interface CommandAction {
  name: string;
  target: string | null;
  detail: Record<string, unknown> | null;
}

/** Adds an action to the log. @param on A transaction, or the data source for one of its own. */
export async function recordAction(on: DataSource | EntityManager, action: CommandAction): Promise<void> {
  await new ActionRepository(on.getRepository(ActionRecord)).add(entryOf(action), 0);
}

function entryOf({ name, target, detail }: CommandAction): NewAction {
  return {
    id: newId(),
    accountId: null,
    actorKind: 'command-line',
    actorId: null,
    actorName: shortText(userName()),
    action: name,
    target,
    detail,
    outcome: 'succeeded',
    status: null,
    requestId: null,
    address: null,
  };
}

/** The user of the operating system, or its number if it has no name, as in many containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
