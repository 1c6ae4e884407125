import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Metrics } from '../platform/observability/metrics.js';
import { MailFanOut } from './fan-outs/mail-fan-out.entity.js';
import { MailServer } from './mail-server.js';
import { MailAttempt } from './messages/mail-attempt.entity.js';
import { MailMessage } from './messages/mail-message.entity.js';
import { MailRepository } from './messages/mail.repository.js';

/** The state of mail for health and metrics. */
@Module({
  imports: [TypeOrmModule.forFeature([MailMessage, MailAttempt, MailFanOut])],
  providers: [MailServer, MailRepository],
  exports: [MailServer],
})
export class MailStateModule implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly mails: MailRepository,
  ) {}

  onModuleInit(): void {
    const depth = (): Promise<number | null> => this.mails.countPending().catch(() => null);
    this.metrics.gauge('daybook_mail_pending', 'Messages that are not sent yet, up to a million', depth);
  }
}
