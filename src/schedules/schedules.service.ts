import { HttpStatus, Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { IdempotencyKey } from '../http/idempotency-key.js';
import { AsyncService } from '../jobs/accept/async.service.js';
import { Database } from '../platform/database/database.js';
import { pageOf } from '../platform/database/page.js';
import { newId } from '../platform/ids.js';
import { type AccountId, storedAccount } from '../platform/tenant.js';
import { IdempotencyService } from '../requests/idempotency/idempotency.service.js';
import { RequestsService } from '../requests/requests.service.js';
import { DueSchedulesStore } from './due/due-schedules.store.js';
import { nextDueTime } from './due-times.js';
import type { ScheduleRun } from './schedule-run.entity.js';
import type { Schedule } from './schedule.entity.js';
import { type ScheduleColumns, ScheduleRepository } from './schedule.repository.js';
import type { ChangeScheduleBody, RunsQuery, ScheduleFields, SchedulesQuery } from './schedule.schema.js';
import { type RunView, type ScheduleView, fieldsOf, recurrenceOf, runView, scheduleView } from './schedule.view.js';
import { changed, columnsOf, isMoved } from './schedule-change.js';
import { checkReportAccess } from '../reports/report-access.js';
import { ScheduledReports } from './scheduled-report.js';
import { MAX_SCHEDULES, ScheduleBusy, ScheduleNotFound, TooManySchedules } from './schedules.errors.js';

/** A change meets a due time or another change this often at most. */
const TRIES = 5;

/** The schedules of an account. Every method throws ScheduleNotFound for a schedule that the account does not have. */
@Injectable()
export class SchedulesService {
  constructor(
    private readonly database: Database,
    private readonly schedules: ScheduleRepository,
    private readonly store: DueSchedulesStore,
    private readonly reports: ScheduledReports,
    private readonly requests: RequestsService,
    private readonly accepting: AsyncService,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** @throws InvalidInput, CallbackUrlRefused, TooManySchedules */
  async create(
    account: AccountId,
    fields: ScheduleFields,
    key: IdempotencyKey | null,
    mayReadBooks: boolean,
  ): Promise<object> {
    const columns = columnsOf(fields);
    const now = await this.schedules.now();
    await this.check(account, fields, now, mayReadBooks);
    const dueAt = fields.is_active ? nextDueTime(recurrenceOf(columns), now) : null;
    const schedule = { id: newId(), accountId: storedAccount(account), ...columns, nextDueAt: dueAt };
    return this.database.inTransactionOf(schedule.accountId, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () => {
        const added = await this.schedules.add(query, schedule, MAX_SCHEDULES);
        if (!added) throw new TooManySchedules();
        return scheduleView(added, null);
      }),
    );
  }

  async list(account: AccountId, { limit, cursor }: SchedulesQuery): Promise<object> {
    const { page, next_cursor } = await pageOf(
      limit,
      (count) => this.schedules.list(storedAccount(account), cursor, count),
      ({ id }) => id,
    );
    const lastRuns = await this.schedules.lastRuns(page);
    const views = await this.runViews([...lastRuns.values()]);
    const lastOf = ({ id }: Schedule): RunView | null => views.get(lastRuns.get(id)) ?? null;
    return { schedules: page.map((schedule) => scheduleView(schedule, lastOf(schedule))), next_cursor };
  }

  async view(account: AccountId, id: string): Promise<ScheduleView> {
    const schedule = await this.find(account, id);
    const run = (await this.schedules.lastRuns([schedule])).get(id);
    return scheduleView(schedule, run ? (await this.runViews([run])).get(run)! : null);
  }

  /**
   * Changes fields. If that changes when it is due, it is next due after now.
   * @throws InvalidInput, CallbackUrlRefused, ScheduleBusy
   */
  async change(account: AccountId, id: string, body: ChangeScheduleBody, mayReadBooks: boolean): Promise<ScheduleView> {
    for (let tried = 0; tried < TRIES; tried++) {
      const schedule = await this.find(account, id);
      const fields = changed(fieldsOf(schedule), body);
      const columns = columnsOf(fields);
      const now = await this.schedules.now();
      if (!isTurnedOff(body)) await this.check(account, fields, now, mayReadBooks);
      const next = { ...columns, nextDueAt: nextDueAt(schedule, columns, now) };
      if (await this.schedules.change(schedule, next)) return this.view(account, id);
    }
    throw new ScheduleBusy();
  }

  /** Deletes a schedule with its runs. Their requests stay. */
  async remove(account: AccountId, id: string): Promise<object> {
    const isFound = isUuid(id) && (await this.schedules.remove(storedAccount(account), id));
    if (!isFound) throw new ScheduleNotFound();
    return { deleted: true, id };
  }

  async runs(account: AccountId, id: string, { limit, cursor }: RunsQuery): Promise<object> {
    await this.find(account, id);
    const { page, next_cursor } = await pageOf(
      limit,
      (count) => this.schedules.listRuns(id, cursor, count),
      ({ number }) => String(number),
    );
    const views = await this.runViews(page);
    return { runs: page.map((run) => views.get(run)!), next_cursor: next_cursor && Number(next_cursor) };
  }

  /**
   * Accepts a request for a schedule now, also if it is not active. Its due times stay as they are.
   * @throws InvalidInput, CallbackUrlRefused, LaneFull, AccountBacklogFull, StorageQuotaExceeded, DiskLow, KeyAlreadyUsed
   */
  async run(account: AccountId, id: string, key: IdempotencyKey | null): Promise<RunView> {
    const schedule = await this.find(account, id);
    const now = await this.schedules.now();
    const request = this.reports.requestOf(fieldsOf(schedule), now);
    let run: RunView | null = null;
    await this.accepting.acceptAlongside(request, key, account, now, async (query, requestId) => {
      const added = await this.store.addRun(query, storedAccount(account), id, requestId);
      run = added && runView(addedRun(id, requestId, added), { id: requestId, status: 'PENDING', error: null });
      if (key && run) await this.idempotency.keepResponse(key, HttpStatus.OK, run, query);
      return run !== null;
    });
    if (!run) throw new ScheduleNotFound();
    return run;
  }

  /** @throws InsufficientScope, InvalidInput, CallbackUrlRefused unless the caller's request for such a report would be accepted now. */
  private async check(account: AccountId, fields: ScheduleFields, now: Date, mayReadBooks: boolean): Promise<void> {
    checkReportAccess([fields.report], mayReadBooks);
    await this.accepting.check(this.reports.requestOf(fields, now), account, now);
  }

  private async find(account: AccountId, id: string): Promise<Schedule> {
    const schedule = isUuid(id) ? await this.schedules.find(storedAccount(account), id) : null;
    if (!schedule) throw new ScheduleNotFound();
    return schedule;
  }

  private async runViews(runs: ScheduleRun[]): Promise<Map<ScheduleRun | undefined, RunView>> {
    const ids = runs.flatMap(({ requestId }) => requestId ?? []);
    const requests = await this.requests.states(ids);
    return new Map(runs.map((run) => [run, runView(run, requests.get(run.requestId ?? ''))]));
  }
}

/** Whether a change only turns a schedule off. One that is not valid any more can be turned off too. */
const isTurnedOff = (body: ChangeScheduleBody): boolean =>
  body.is_active === false && Object.values(body).filter((value) => value !== undefined).length === 1;

/** A due time that is not settled stays, unless the change is of when the schedule is due. None is ever repeated. */
function nextDueAt(schedule: Schedule, columns: Omit<ScheduleColumns, 'nextDueAt'>, now: Date): Date | null {
  if (!columns.isActive) return null;
  if (schedule.nextDueAt && !isMoved(schedule, columns)) return schedule.nextDueAt;
  const { lastDueAt } = schedule;
  return nextDueTime(recurrenceOf(columns), lastDueAt && lastDueAt > now ? lastDueAt : now);
}

function addedRun(scheduleId: string, requestId: string, added: { number: number; createdAt: Date }): ScheduleRun {
  return { scheduleId, ...added, outcome: 'accepted', dueAt: null, requestId, error: null };
}
