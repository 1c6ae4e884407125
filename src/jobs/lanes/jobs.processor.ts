import { Processor } from '@nestjs/bull';
import { WakeProcessor } from '../../queue/wake-processor.js';
import { JobsRunner } from './jobs.runner.js';

/** Runs lanes. Their leases keep the order. */
@Processor('jobs')
export class JobsProcessor extends WakeProcessor {
  constructor(protected readonly work: JobsRunner) {
    super();
  }
}
