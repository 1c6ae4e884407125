import { Processor } from '@nestjs/bull';
import { WakeProcessor } from '../../queue/wake-processor.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';

/** Sends due callbacks. */
@Processor('callbacks')
export class CallbacksProcessor extends WakeProcessor {
  constructor(protected readonly work: CallbacksDispatcher) {
    super();
  }
}
