import { Module } from '@nestjs/common';
import { FanOutStore } from './fan-outs/fan-out.store.js';
import { MailRetentionStore } from './messages/mail-retention.store.js';
import { MailAttemptsStore } from './sending/mail-attempts.store.js';
import { MailLeasesStore } from './sending/mail-leases.store.js';
import { MailSender } from './sending/mail-sender.js';
import { MailDispatcher } from './sending/mail.dispatcher.js';
import { MailSweep } from './sending/mail.sweep.js';
import { Templates } from './templates/templates.js';

/** Sends mail: the worker's part of the feature. */
@Module({
  providers: [
    FanOutStore,
    MailRetentionStore,
    MailAttemptsStore,
    MailLeasesStore,
    Templates,
    MailSender,
    MailDispatcher,
    MailSweep,
  ],
  exports: [MailDispatcher],
})
export class MailWorkerModule {}
