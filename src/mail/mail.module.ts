import { Module } from '@nestjs/common';
import { Outbox } from './outbox.js';
import { OutboxStore } from './outbox.store.js';

/** The outbox, for the features that send mail. */
@Module({ providers: [OutboxStore, Outbox], exports: [Outbox] })
export class MailModule {}
