import { Processor } from '@nestjs/bull';
import { WakeProcessor } from '../../queue/wake-processor.js';
import { MailDispatcher } from './mail.dispatcher.js';

/** Sends due mail and expands due fan-outs. */
@Processor('mail')
export class MailProcessor extends WakeProcessor {
  constructor(protected readonly work: MailDispatcher) {
    super();
  }
}
