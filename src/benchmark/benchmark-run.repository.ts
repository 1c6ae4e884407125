import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { BenchmarkRun, type RunStatus } from './benchmark-run.entity.js';

/** A run whose process has sent no heartbeat for this long is over, whatever its status. */
const RUN_ALIVE_S = 15;
/** Number of runs kept; older ones are deleted. */
const KEPT_RUNS = 200;

const SILENT_SINCE = `now() - interval '${RUN_ALIVE_S} seconds'`;

const LISTED = {
  id: true,
  mode: true,
  status: true,
  settings: true,
  progress: true,
  result: true,
  error: true,
  createdAt: true,
  finishedAt: true,
} as const;
export type ListedRun = Pick<BenchmarkRun, keyof typeof LISTED>;

export type NewRun = Pick<BenchmarkRun, 'id' | 'mode' | 'settings' | 'tokenHash'>;

/** The load tests of this installation. */
@Injectable()
export class BenchmarkRunRepository {
  constructor(@InjectRepository(BenchmarkRun) private readonly runs: Repository<BenchmarkRun>) {}

  /**
   * Starts a run, after failing a run whose process is gone and deleting old ones.
   * @returns False when another run is in progress: a unique index admits one.
   */
  async begin(run: NewRun): Promise<boolean> {
    await this.failSilent();
    await this.deleteOld();
    const insert = this.runs
      .createQueryBuilder()
      .insert()
      .values({ ...run, status: 'RUNNING' });
    const { raw } = await insert.orIgnore().returning('id').execute();
    return (raw as unknown[]).length > 0;
  }

  /** Registers the URL prefix to which the run's callbacks may be sent. */
  async openReceiver(id: string, receiverUrl: string): Promise<void> {
    await this.runs.update({ id, status: 'RUNNING' }, { receiverUrl });
  }

  /** Records a heartbeat and the progress. @returns False when the run is no longer running. */
  async beat(id: string, progress: object | null): Promise<boolean> {
    const change = { seenAt: () => 'now()', ...(progress && { progress }) };
    return (await this.runs.update({ id, status: 'RUNNING' }, change)).affected === 1;
  }

  /** Ends a running run and closes its receiver. @returns False when it had already ended. */
  async end(
    id: string,
    status: Exclude<RunStatus, 'RUNNING'>,
    outcome: Partial<Pick<BenchmarkRun, 'result' | 'overTime' | 'error'>> = {},
  ): Promise<boolean> {
    const change = { ...outcome, status, receiverUrl: null, finishedAt: () => 'now()' };
    return (await this.runs.update({ id, status: 'RUNNING' }, change)).affected === 1;
  }

  find(id: string): Promise<BenchmarkRun | null> {
    return this.runs.findOneBy({ id });
  }

  /** @returns The newest runs, newest first, without their time slices. */
  list(limit: number): Promise<ListedRun[]> {
    return this.runs.find({ select: LISTED, order: { id: 'DESC' }, take: limit });
  }

  /** @returns The run in progress whose process is alive. */
  findOpen(): Promise<Pick<BenchmarkRun, 'tokenHash' | 'receiverUrl'> | null> {
    return this.runs
      .createQueryBuilder('run')
      .where(`run.status = 'RUNNING' AND run.seenAt > ${SILENT_SINCE}`)
      .getOne();
  }

  private async failSilent(): Promise<void> {
    await this.runs
      .createQueryBuilder()
      .update()
      .set({ status: 'FAILED', error: 'The process that ran it has ended.', finishedAt: () => 'now()' })
      .where(`status = 'RUNNING' AND seen_at <= ${SILENT_SINCE}`)
      .execute();
  }

  private async deleteOld(): Promise<void> {
    const kept = this.runs
      .createQueryBuilder('run')
      .select('run.id')
      .orderBy('run.id', 'DESC')
      .limit(KEPT_RUNS - 1);
    await this.runs
      .createQueryBuilder()
      .delete()
      .where(`status <> 'RUNNING' AND id NOT IN (${kept.getQuery()})`)
      .execute();
  }
}
