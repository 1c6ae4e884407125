import { beforeEach, describe, expect, it } from '@jest/globals';
import { v4 as uuid } from 'uuid';
import { Lane } from '../../src/jobs/lanes/lane.entity.js';
import { LaneRepository } from '../../src/jobs/lanes/lane.repository.js';
import { LaneReaper } from '../../src/jobs/lanes/reaping/lane-reaper.js';
import { LaneReaperStore } from '../../src/jobs/lanes/reaping/lane-reaper.store.js';
import { Stores, newRequest, openStores } from '../support/stores.js';

/** Lanes without requests are deleted, and no position of a lane is assigned twice. */
const RETENTION = 86_400_000;
let stores: Stores;
beforeEach(async () => {
  stores = await openStores();
});

const reaper = (by = stores): LaneReaper => new LaneReaper(new LaneReaperStore(by.database), { RETENTION });

/** Accepts one request. Returns its position. */
async function accepted(lane: string, by = stores): Promise<number> {
  const [acceptance] = await by.accepting.accept([newRequest(lane)], 1_000, 60_000);
  return (acceptance as { queuePosition: number }).queuePosition;
}

/** Simulates that all requests of a lane finished two days ago and were deleted after their retention. */
async function age(lane: string): Promise<void> {
  await stores.sql('DELETE FROM requests WHERE lane = $1', [lane]);
  await stores.sql(`UPDATE lanes SET pending = 0, served_at = now() - interval '2 days' WHERE name = $1`, [lane]);
}

async function lanes(): Promise<string[]> {
  return (await stores.sql<{ name: string }>('SELECT name FROM lanes ORDER BY name')).map(({ name }) => name);
}

describe('a lane without requests', () => {
  it('is reaped after the retention, and continues its positions when it is created again', async () => {
    for (let position = 1; position <= 3; position++) expect(await accepted('a')).toBe(position);
    await age('a');
    await reaper().reapSome();
    expect(await lanes()).toEqual([]);
    expect(await accepted('a')).toBe(4);
    const [, second] = await stores.accepting.accept([newRequest('a'), newRequest('a')], 1_000, 60_000);
    expect(second).toMatchObject({ queuePosition: 6, jobsAhead: 2 });
  });

  it.each(['pause', 'priority'])('continues its positions when it is created again by %s', async (how) => {
    await accepted('a');
    await accepted('a');
    await age('a');
    await reaper().reapSome();
    const repository = new LaneRepository(stores.dataSource.getRepository(Lane));
    await (how === 'pause' ? repository.setPaused('a', true) : repository.setPriority('a', 5));
    await (how === 'pause' ? repository.setPaused('a', false) : repository.setPriority('a', 0));
    expect(await accepted('a')).toBe(3);
  });

  it('does not move the positions of another account, or of lanes that exist', async () => {
    const [one, other] = [uuid(), uuid()];
    for (let n = 0; n < 5; n++) await accepted(`${one}/a`);
    await accepted(`${one}/b`);
    await age(`${one}/a`);
    await reaper().reapSome();
    expect(await accepted(`${one}/b`)).toBe(2);
    expect(await accepted(`${one}/a`)).toBe(6);
    expect(await accepted(`${other}/a`)).toBe(1);
    expect(await accepted('a')).toBe(1);
  });

  it('is reaped with thousands of others, in batches', async () => {
    await stores.sql(`INSERT INTO lanes (name, served_at) SELECT 'lane-' || n, now() - interval '2 days'
      FROM generate_series(1, 2500) n`);
    await reaper().reapSome();
    // At least one batch, even on a slow machine.
    expect((await lanes()).length).toBeLessThanOrEqual(2_000);
    for (let sweep = 0; sweep < 5; sweep++) await reaper().reapSome();
    expect(await lanes()).toEqual([]);
  });
});

describe('a lane is kept', () => {
  it.each([
    ['with an unfinished request', `UPDATE lanes SET pending = 1`],
    [
      'with a finished request',
      `INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload)
       VALUES (gen_random_uuid(), 'async', 'COMPLETED', 'digest', 'json', 'a', 1, '{}')`,
    ],
    ['that is paused', 'UPDATE lanes SET paused = true'],
    ['with a priority', 'UPDATE lanes SET priority = -1'],
    ['with a cancelled position', `INSERT INTO cancelled_positions VALUES ('a', 1)`],
    ['that is leased', `UPDATE lanes SET leased_by = 'x', lease_until = now() + interval '1 minute'`],
    ['that was served within the retention', `UPDATE lanes SET served_at = now() - interval '23 hours'`],
  ])('%s', async (_, change) => {
    await accepted('a');
    await age('a');
    await stores.sql(change);
    await reaper().reapSome();
    expect(await lanes()).toEqual(['a']);
  });

  it('with RETENTION=off', async () => {
    await accepted('a');
    await age('a');
    await new LaneReaper(new LaneReaperStore(stores.database), { RETENTION: null }).reapSome();
    expect(await lanes()).toEqual(['a']);
  });

  it('and does not prevent the reaping of later lanes', async () => {
    await stores.sql(`INSERT INTO lanes (name, served_at) SELECT 'kept-' || n, now() - interval '3 days'
      FROM generate_series(1, 1000) n`);
    await stores.sql(`INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload)
      SELECT gen_random_uuid(), 'async', 'COMPLETED', 'digest', 'json', name, 1, '{}' FROM lanes`);
    await accepted('a');
    await age('a');
    const once = reaper();
    await once.reapSome();
    await once.reapSome();
    expect(await lanes()).not.toContain('a');
  });
});

describe('while requests are accepted', () => {
  it('no lane is deleted under a transaction that may have read the old first position', async () => {
    await accepted('a');
    await age('a');
    await accepted('other');
    await stores.database.transaction(async (query) => {
      await query({ name: '', text: `UPDATE lanes SET priority = 1 WHERE name = 'other'` }, []);
      await reaper().reapSome();
      expect(await lanes()).toContain('a');
      return true;
    });
    await reaper().reapSome();
    expect(await lanes()).not.toContain('a');
  });

  it('no position is assigned twice or skipped, in any interleaving of reaping and accepting', async () => {
    const others = [await Stores.open(stores.url), await Stores.open(stores.url)];
    const positions: number[] = [];
    let reaped = 0;
    for (let round = 0; round < 60; round++) {
      const work = others.flatMap((by) => [accepted('a', by), accepted('a', by)]);
      const [, ...given] = await Promise.all([reaper().reapSome(), ...work]);
      positions.push(...given);
      const [lane] = await stores.sql<{ next_position: number; pending: number }>(
        `SELECT next_position, pending FROM lanes WHERE name = 'a'`,
      );
      // All four are counted in one lane, at its last positions.
      expect(lane!.pending).toBe(4);
      expect(given.toSorted((a, b) => a - b)).toEqual([4, 3, 2, 1].map((back) => lane!.next_position - back));
      await age('a');
      if (round % 2 === 0) {
        await reaper().reapSome();
        reaped += (await lanes()).length === 0 ? 1 : 0;
      }
    }
    expect(reaped).toBeGreaterThan(0);
    expect(new Set(positions).size).toBe(positions.length);
    expect(positions.length).toBe(240);
  });
});
