import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  MethodNotAllowedException,
  NotFoundException,
  Param,
  Patch,
  Post,
  Put,
  Query,
  UseGuards,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Action, Unrecorded } from '../../http/action.decorators.js';
import { NeedsScope } from '../../http/auth.decorators.js';
import { BoardGuard } from './board.guard.js';
import { type BoardQuery, boardQuery, pathName } from './board.schema.js';
import { BoardService } from './board.service.js';

/** Reads of a queue that share their path with the jobs of the queue. */
const QUEUE_READS = ['metrics', 'default-job-options', 'rate-limit', 'job-data-schema'];
const JOB_READS = ['logs', 'flow'];

/**
 * The API of the board's page, which is that of the library. The acts that the board offers are routes of their own; every
 * other one is refused here, so the library never sees it.
 */
@ApiExcludeController()
@NeedsScope('admin')
@UseGuards(BoardGuard)
@Controller('admin/queues/api')
export class BoardApiController {
  constructor(private readonly boards: BoardService) {}

  @Get('queues')
  @Header('Cache-Control', 'no-store')
  queues(@Query({ schema: boardQuery }) query: BoardQuery): Promise<object> {
    const { activeQueue, status, page = '1', jobsPerPage = '10' } = query;
    return this.boards.call('get /api/queues', {
      query: { activeQueue, status: status || undefined, page, jobsPerPage },
    });
  }

  @Get('queues/:queue/:job')
  @Header('Cache-Control', 'no-store')
  job(
    @Param('queue', { schema: pathName }) queueName: string,
    @Param('job', { schema: pathName }) jobId: string,
  ): Promise<object> {
    if (QUEUE_READS.includes(jobId))
      return this.boards.call(`get /api/queues/:queueName/${jobId}`, { params: { queueName } });
    return this.boards.call('get /api/queues/:queueName/:jobId', { params: { queueName, jobId } });
  }

  @Get('queues/:queue/:job/:part')
  @Header('Cache-Control', 'no-store')
  part(
    @Param('queue', { schema: pathName }) queueName: string,
    @Param('job', { schema: pathName }) jobId: string,
    @Param('part', { schema: pathName }) part: string,
  ): Promise<object> {
    if (!JOB_READS.includes(part)) throw new NotFoundException('A job has logs and a flow');
    return this.boards.call(`get /api/queues/:queueName/:jobId/${part}`, { params: { queueName, jobId } });
  }

  @Get('job-schedulers')
  schedulers(): Promise<object> {
    return this.boards.call('get /api/job-schedulers');
  }

  @Put('queues/pause')
  @Action('queue.pause_all')
  pauseAll(): Promise<object> {
    return this.boards.call('put /api/queues/pause');
  }

  @Put('queues/resume')
  @Action('queue.resume_all')
  resumeAll(): Promise<object> {
    return this.boards.call('put /api/queues/resume');
  }

  @Put('queues/:queue/pause')
  @Action('queue.pause')
  pause(@Param('queue', { schema: pathName }) queueName: string): Promise<object> {
    return this.boards.call('put /api/queues/:queueName/pause', { params: { queueName } });
  }

  @Put('queues/:queue/resume')
  @Action('queue.resume')
  resume(@Param('queue', { schema: pathName }) queueName: string): Promise<object> {
    return this.boards.call('put /api/queues/:queueName/resume', { params: { queueName } });
  }

  @Put('queues/:queue/retry/:status')
  @Action('queue.retry_all')
  async retryAll(
    @Param('queue', { schema: pathName }) queue: string,
    @Param('status', { schema: pathName }) status: string,
  ): Promise<object> {
    const count = await this.boards.retryAll(queue, status);
    return { retried: count, skipped: 0, count };
  }

  @Put('queues/:queue/:job/retry')
  @Action('queue.retry', ['job'])
  @HttpCode(204)
  retry(
    @Param('queue', { schema: pathName }) queue: string,
    @Param('job', { schema: pathName }) job: string,
  ): Promise<void> {
    return this.boards.retry(queue, job);
  }

  @Get('*path')
  unknown(): never {
    throw new NotFoundException('The board has no such route');
  }

  @Post('*path')
  @Header('Allow', 'GET, HEAD')
  @Unrecorded()
  refusePost(): never {
    return refuse();
  }

  @Put('*path')
  @Header('Allow', 'GET, HEAD')
  @Unrecorded()
  refusePut(): never {
    return refuse();
  }

  @Patch('*path')
  @Header('Allow', 'GET, HEAD')
  @Unrecorded()
  refusePatch(): never {
    return refuse();
  }

  @Delete('*path')
  @Header('Allow', 'GET, HEAD')
  @Unrecorded()
  refuseDelete(): never {
    return refuse();
  }
}

/** Adding, editing, promoting, cleaning, emptying and obliterating: the tables are the truth, and features change them. */
function refuse(): never {
  throw new MethodNotAllowedException('The board retries failed jobs, and pauses and resumes queues; nothing else');
}
