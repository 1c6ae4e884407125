import { expect, it } from '@jest/globals';
import { DueSchedulesStore } from '../../../src/schedules/due/due-schedules.store.js';
import { OPEN_INSTALLATION } from '../../../src/platform/tenant.js';
import { ScheduleRun } from '../../../src/schedules/schedule-run.entity.js';
import { Schedule } from '../../../src/schedules/schedule.entity.js';
import { ScheduleRepository } from '../../../src/schedules/schedule.repository.js';
import { type Explained, FEW_BLOCKS } from './explained.js';
import { DUE_SCHEDULES, RUNS, scheduleId } from './schedule-rows.js';

const PAGE = 201;

/** Claiming, settling and listing schedules. */
export function schedulePlans(explained: Explained): void {
  const repository = (): ScheduleRepository =>
    new ScheduleRepository(
      explained.dataSource.getRepository(Schedule),
      explained.dataSource.getRepository(ScheduleRun),
    );

  it('looking for due schedules', () =>
    explained.expectCheap(async () => {
      const store = new DueSchedulesStore(explained.database);
      await store.nextAttemptInMs();
      expect(await store.lagS()).toBeGreaterThan(1);
    }, FEW_BLOCKS));

  it('claiming due schedules, settling their due times', () =>
    explained.expectCheap(async () => {
      const store = new DueSchedulesStore(explained.database);
      const [first, second, third] = await store.claim(8, 600_000);
      const nextDueAt = new Date(Date.now() + 86_400_000);
      expect(await store.settle(first!, { outcome: 'refused', nextDueAt, error: 'x' })).toBe(true);
      await store.moveOn(second!, nextDueAt);
      await store.delay(third!, 60_000, 'x');
      expect(await store.claim(DUE_SCHEDULES, 1)).toHaveLength(DUE_SCHEDULES - 8);
    }, 40_000));

  it('running and listing schedules, their runs and the newest run of each', () =>
    explained.expectCheap(async () => {
      const store = new DueSchedulesStore(explained.database);
      const id = scheduleId(900);
      await store.addRun(explained.database.query, OPEN_INSTALLATION, id, id);
      const schedules = await repository().list(OPEN_INSTALLATION, undefined, PAGE);
      expect(schedules).toHaveLength(PAGE);
      expect((await repository().lastRuns(schedules)).size).toBe(PAGE);
      expect(await repository().listRuns(id, undefined, PAGE)).toHaveLength(RUNS + 1);
      await repository().find(OPEN_INSTALLATION, id);
    }));

  it('adding a schedule', () =>
    explained.expectCheap(async () => {
      const [like] = await repository().list(OPEN_INSTALLATION, undefined, 1);
      const fresh = Object.assign(like!, { id: 'eeeeeeee-0000-7000-8000-000000000000' });
      expect(await repository().add(explained.database.query, fresh, 2_000)).not.toBeNull();
      expect(await repository().add(explained.database.query, fresh, 1_000)).toBeNull();
    }));

  it('deleting old runs', () =>
    explained.expectCheap(async () => {
      expect(await new DueSchedulesStore(explained.database).removeRuns(2 * 86_400_000, 500)).toBe(500);
    }, 5_000));
}
