import { HttpException, Injectable } from '@nestjs/common';
import { CallbackJobs } from '../../callbacks/deliveries/callback-jobs.service.js';
import { MailJobs } from '../../mail/messages/mail-jobs.service.js';
import { MOST_COUNTED } from '../../platform/database/bounded-rows.js';
import type { QueueJobs } from '../../queue/jobs/queue-jobs.js';
import { QueuePauses } from '../../queue/pauses/queue-pauses.service.js';
import { RequestJobs } from '../../requests/board/request-jobs.service.js';
import { BoardNotFound, NotRetriable } from './board.errors.js';
import type { BoardCall, BullBoard } from './bull-board.js';

/** Failed jobs that are read at once to be retried. */
const RETRY_PAGE = 100;

/** The queue board. The library is loaded at the first use, because it takes time and memory that a start has no use for. */
@Injectable()
export class BoardService {
  private readonly queues: readonly QueueJobs[];
  private loading: Promise<BullBoard> | null = null;

  constructor(
    private readonly pauses: QueuePauses,
    requests: RequestJobs,
    callbacks: CallbackJobs,
    mail: MailJobs,
  ) {
    this.queues = [requests, callbacks, mail];
  }

  board(): Promise<BullBoard> {
    return (this.loading ??= this.load());
  }

  /**
   * Calls a route of the library.
   * @returns The body of its response.
   * @throws BoardNotFound; HttpException for any other refusal.
   */
  async call(route: string, call: BoardCall = {}): Promise<object> {
    const { status = 200, body } = await (await this.board()).call(route, call);
    if (status === 404)
      throw new BoardNotFound(call.params?.['jobId'] === undefined ? 'Queue not found' : 'Job not found');
    if (status >= 400) throw new HttpException('The board does not serve this', status);
    return body as object;
  }

  /**
   * Retries a failed job.
   * @throws BoardNotFound, NotRetriable
   */
  async retry(name: string, id: string): Promise<void> {
    const queue = this.retriable(name);
    const job = await queue.find(id);
    if (!job) throw new BoardNotFound('Job not found');
    if (job.state !== 'failed') throw new NotRetriable(`The job is ${job.state}; only failed jobs can be retried`);
    await queue.retry(id);
  }

  /**
   * Retries the failed jobs of a queue, up to the number that the board counts.
   * @returns Their number.
   * @throws BoardNotFound, NotRetriable
   */
  async retryAll(name: string, status: string): Promise<number> {
    const queue = this.retriable(name);
    if (status !== 'failed') throw new NotRetriable('Only failed jobs can be retried');
    const retried = new Set<string>();
    while (retried.size < MOST_COUNTED) {
      const failed = await queue.list('failed', 0, RETRY_PAGE);
      // A job that fails again at once is not retried again.
      const jobs = failed.filter(({ id }) => !retried.has(id));
      if (jobs.length === 0) break;
      for (const { id } of jobs) await queue.retry(id);
      for (const { id } of jobs) retried.add(id);
    }
    return retried.size;
  }

  /** @throws BoardNotFound, NotRetriable */
  private retriable(name: string): QueueJobs {
    const queue = this.queues.find((one) => one.queue === name);
    if (!queue) throw new BoardNotFound('Queue not found');
    if (!queue.retries) throw new NotRetriable('A failed report is final; send a new request');
    return queue;
  }

  private async load(): Promise<BullBoard> {
    const { BullBoard } = await import('./bull-board.js');
    return new BullBoard(this.queues, this.pauses);
  }
}
