import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, LessThan, type Repository } from 'typeorm';
import type { Query } from '../platform/database/database.js';
import { ScheduleRun } from './schedule-run.entity.js';
import { Schedule } from './schedule.entity.js';

/** The columns that a caller's fields decide. */
export type ScheduleColumns = Pick<
  Schedule,
  | 'name'
  | 'report'
  | 'payload'
  | 'period'
  | 'every'
  | 'onDay'
  | 'at'
  | 'timezone'
  | 'lane'
  | 'callbackUrl'
  | 'format'
  | 'compress'
  | 'isActive'
  | 'nextDueAt'
>;

const LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('schedules ' || $1, 0))`;

const COUNT = 'SELECT count(*)::integer AS count FROM schedules WHERE account_id = $1';

const ADD = `INSERT INTO schedules (id, account_id, name, report, payload, period, every, on_day, at_time, timezone, lane,
    callback_url, format, compress, is_active, next_due_at, attempt_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
  RETURNING created_at AS "createdAt", updated_at AS "updatedAt"`;

/** The schedules of all accounts and their runs. `DueSchedulesStore` carries them out. */
@Injectable()
export class ScheduleRepository {
  constructor(
    @InjectRepository(Schedule) private readonly schedules: Repository<Schedule>,
    @InjectRepository(ScheduleRun) private readonly runs: Repository<ScheduleRun>,
  ) {}

  /** @returns The time of the database, by which schedules are due. */
  async now(): Promise<Date> {
    const [{ now }] = await this.schedules.query<[{ now: Date }]>('SELECT clock_timestamp() AS now');
    return now;
  }

  find(accountId: string, id: string): Promise<Schedule | null> {
    return this.schedules.findOneBy({ accountId, id });
  }

  /** @returns Up to `limit` schedules of an account, newest first. @param beforeId Cursor: only older ones. */
  list(accountId: string, beforeId: string | undefined, limit: number): Promise<Schedule[]> {
    const where = { accountId, ...(beforeId !== undefined && { id: LessThan(beforeId) }) };
    return this.schedules.find({ where, order: { id: 'DESC' }, take: limit });
  }

  /**
   * Adds a schedule, unless its account has `max`.
   * @param query Of the caller's transaction.
   * @returns It, or null.
   */
  async add(
    query: Query,
    { id, accountId, ...columns }: Pick<Schedule, 'id' | 'accountId'> & ScheduleColumns,
    max: number,
  ): Promise<Schedule | null> {
    // Concurrent calls for one account wait here, so that together they do not exceed the limit.
    await query({ name: 'schedules_lock', text: LOCK }, [accountId]);
    const [counted] = await query<{ count: number }>({ name: 'schedules_count', text: COUNT }, [accountId]);
    if (counted!.count >= max) return null;
    const { name, report, payload, period, every, onDay, at, timezone, lane } = columns;
    const { callbackUrl, format, compress, isActive, nextDueAt } = columns;
    const values = [id, accountId, name, report, JSON.stringify(payload), period, every, onDay, at, timezone, lane];
    values.push(callbackUrl, format, compress, isActive as never, nextDueAt as never);
    const [added] = await query<Pick<Schedule, 'createdAt' | 'updatedAt'>>({ name: 'schedule_add', text: ADD }, values);
    return this.schedules.create({ id, accountId, ...columns, ...added, delayError: null, skippedUntil: null });
  }

  /**
   * Changes a schedule, unless it has changed or a due time was settled since it was read. Its next due time is tried at once.
   * @returns Whether it is changed.
   */
  async change({ id, version, lastDueAt }: Schedule, columns: ScheduleColumns): Promise<boolean> {
    const change = { ...columns, attemptAt: columns.nextDueAt, delayError: null };
    const { affected } = await this.schedules.update(
      { id, version, lastDueAt: lastDueAt ?? IsNull() },
      {
        ...change,
        payload: columns.payload as object,
        version: () => 'version + 1',
        updatedAt: () => 'clock_timestamp()',
      },
    );
    return affected === 1;
  }

  /** Deletes a schedule with its runs. Their requests stay. @returns Whether there was such a schedule. */
  async remove(accountId: string, id: string): Promise<boolean> {
    return (await this.schedules.delete({ accountId, id })).affected === 1;
  }

  /** @returns Up to `limit` runs, newest first. @param before Cursor: only runs with smaller numbers. */
  listRuns(scheduleId: string, before: number | undefined, limit: number): Promise<ScheduleRun[]> {
    const where = { scheduleId, ...(before !== undefined && { number: LessThan(before) }) };
    return this.runs.find({ where, order: { number: 'DESC' }, take: limit });
  }

  /** @returns The newest run of each schedule that has one. */
  async lastRuns(schedules: readonly Schedule[]): Promise<Map<string, ScheduleRun>> {
    const where = schedules.map(({ id, runCount }) => ({ scheduleId: id, number: runCount }));
    const runs = where.length > 0 ? await this.runs.findBy(where) : [];
    return new Map(runs.map((run) => [run.scheduleId, run]));
  }
}
