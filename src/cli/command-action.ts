import { userInfo } from 'node:os';
import { newId } from '../platform/ids.js';
import { shortText } from '../requests/actions/action-detail.js';
import type { NewAction } from '../requests/actions/action.repository.js';

/** A change that a command made, for the action log. */
export interface CommandAction {
  name: string;
  target: string | null;
  detail: Record<string, unknown> | null;
}

/** Returns the entry of an action in the log. */
export function entryOf({ name, target, detail }: CommandAction): NewAction {
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
