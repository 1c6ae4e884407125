import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { isDataError } from '../../platform/database/outages.js';
import { newId } from '../../platform/ids.js';
import { ActionRepository, type NewAction } from './action.repository.js';

/** Actions that wait to be recorded, in one process. Further ones are only logged. */
const MAX_WAITING = 1_000;
const RETRY_AFTER_MS = 1_000;

interface Waiting {
  action: NewAction;
  /** Time of the action by the monotonic clock. */
  atMs: number;
}

/**
 * Records actions right after they were performed. An action that cannot be recorded, because the database has just gone
 * away, is logged and recorded later: the write itself has succeeded, and its caller gets the response.
 */
@Injectable()
export class ActionLog implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ActionLog.name);
  private readonly waiting: Waiting[] = [];
  private readonly stopping = new AbortController();
  private retrying: Promise<void> | null = null;

  constructor(@Inject(ActionRepository) private readonly actions: Pick<ActionRepository, 'add'>) {}

  /** Records an action. Never throws. */
  async record(action: Omit<NewAction, 'id'>): Promise<void> {
    const entry = { action: { id: newId(), ...action }, atMs: performance.now() };
    try {
      await this.add(entry);
    } catch (error) {
      const text = JSON.stringify(entry.action);
      // The same values would fail again.
      if (isDataError(error)) this.logger.error(`Never recorded (${error.message}): ${text}`);
      else {
        this.logger.warn(`Not recorded yet (${(error as Error).message}): ${text}`);
        this.recordLater(entry);
      }
    }
  }

  /** Makes a last attempt at actions that are not recorded yet. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.retrying;
    await this.recordWaiting().catch(() => undefined);
    for (const { action } of this.waiting) this.logger.error(`Never recorded: ${JSON.stringify(action)}`);
  }

  private add({ action, atMs }: Waiting): Promise<void> {
    return this.actions.add(action, performance.now() - atMs);
  }

  private recordLater(entry: Waiting): void {
    if (this.waiting.length >= MAX_WAITING) {
      this.logger.error(`Never recorded, because too many actions wait: ${JSON.stringify(entry.action)}`);
      return;
    }
    this.waiting.push(entry);
    this.retrying ??= this.retry();
  }

  private async retry(): Promise<void> {
    const { signal } = this.stopping;
    while (this.waiting.length > 0 && !signal.aborted) {
      await sleep(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
      await this.recordWaiting().catch(() => undefined);
    }
    this.retrying = null;
  }

  /** @throws DatabaseUnavailable; the rest keeps waiting. */
  private async recordWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      await this.add(this.waiting[0]!);
      this.waiting.shift();
    }
  }
}
