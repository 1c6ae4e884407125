import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailFanOut } from './fan-outs/mail-fan-out.entity.js';
import { MailAttempt } from './messages/mail-attempt.entity.js';
import { MailMessage } from './messages/mail-message.entity.js';
import { MailController } from './messages/mail.controller.js';
import { MailJobsRepository } from './messages/mail-jobs.repository.js';
import { MailJobs } from './messages/mail-jobs.service.js';
import { MailRepository } from './messages/mail.repository.js';
import { MailService } from './messages/mail.service.js';
import { Templates } from './templates/templates.js';

/** Mail over HTTP, for operators. */
@Module({
  imports: [TypeOrmModule.forFeature([MailMessage, MailAttempt, MailFanOut])],
  controllers: [MailController],
  providers: [MailRepository, MailService, MailJobsRepository, MailJobs, Templates],
  exports: [MailJobs],
})
export class MailApiModule {}
