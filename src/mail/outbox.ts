import { Injectable } from '@nestjs/common';
import type { Query } from '../platform/database/database.js';
import { WorkQueue } from '../queue/work-queue.js';
import type { NewFanOut, NewMail } from './new-mail.js';
import { OutboxStore } from './outbox.store.js';

/**
 * Mail that a business transaction sends. The messages are written in the transaction, so they are sent if it commits. Call
 * {@link wake} after the commit. docs/mail.md describes what follows.
 */
@Injectable()
export class Outbox {
  constructor(
    private readonly store: OutboxStore,
    private readonly queue: WorkQueue,
  ) {}

  /** Adds messages. @param query Of the caller's transaction. */
  async add(query: Query, messages: readonly NewMail[]): Promise<void> {
    if (messages.length > 0) await this.store.add(query, messages);
  }

  /**
   * Adds a message to all attendees of an event, as one row. The caller has locked the event.
   *
   * A change that no worker has begun to expand is merged with the next one, and is dropped if it is undone or the event is
   * cancelled. A change without changed fields sends nothing.
   * @param query Of the caller's transaction.
   */
  async addFanOut(query: Query, fanOut: NewFanOut): Promise<void> {
    if (fanOut.template === 'event-changed') return this.store.addChange(query, fanOut);
    await this.store.removeChange(query, fanOut.eventId);
    await this.store.addFanOut(query, fanOut, 0);
  }

  /** Wakes the workers. Call it after the commit. */
  wake(): void {
    this.queue.wake('mail');
  }
}
