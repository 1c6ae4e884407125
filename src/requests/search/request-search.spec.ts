import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RequestSearch } from './request-search.js';
import { type Examined, type IdOrder, type IdRange, RequestSearchRepository } from './request-search.repository.js';

/** A log of requests whose ids are 000, 001, …, some of which match. It examines few at a time and takes its time. */
class Log extends RequestSearchRepository {
  constructor(
    private readonly count: number,
    private readonly matching: ReadonlySet<number>,
    private readonly most: number,
  ) {
    super({ query: () => Promise.reject(new Error('no database')) });
  }

  override reportsWith(): Promise<string[]> {
    return Promise.resolve([]);
  }

  override examine(_: object, __: object, { beforeId, afterId }: IdRange, order: IdOrder): Promise<Examined> {
    const all = Array.from({ length: this.count }, (_unused, n) => n).filter(
      (n) => (beforeId === undefined || n < Number(beforeId)) && (afterId === undefined || n > Number(afterId)),
    );
    const examined = (order === 'newest-first' ? all.toReversed() : all).slice(0, this.most);
    const until = performance.now() + 120;
    while (performance.now() < until);
    const ids = examined.filter((n) => this.matching.has(n)).map(String);
    return Promise.resolve({ ids, lastId: examined.length < this.most ? null : String(examined.at(-1)) });
  }
}

it('returns each match once, in order, over pages that may be short or empty', async () => {
  const logs = fc.record({
    count: fc.integer({ min: 0, max: 20 }),
    matching: fc.uniqueArray(fc.nat(19)),
    most: fc.integer({ min: 4, max: 7 }),
    limit: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(logs, async ({ count, matching, most, limit }) => {
      const search = new RequestSearch(new Log(count, new Set(matching), most));
      const found: string[] = [];
      let cursor: string | null | undefined;
      do {
        const { ids, searchedTo } = await search.newest({ account: null, q: 'x' }, cursor ?? undefined, limit);
        expect(ids.length).toBeLessThanOrEqual(limit);
        found.push(...ids);
        cursor = searchedTo;
      } while (cursor !== null);
      const wanted = matching.filter((n) => n < count).toSorted((a, b) => b - a);
      expect(found).toEqual(wanted.map(String));
    }),
    { numRuns: 5 },
  );
});

it('ends a page after its time, and the next one continues there', async () => {
  const search = new RequestSearch(new Log(10, new Set([1]), 4));
  const select = { account: null, q: 'x' };
  expect(await search.newest(select, undefined, 50)).toEqual({ ids: [], searchedTo: '6' });
  expect(await search.newest(select, '6', 50)).toEqual({ ids: [], searchedTo: '2' });
  expect(await search.newest(select, '2', 50)).toEqual({ ids: ['1'], searchedTo: null });
});
