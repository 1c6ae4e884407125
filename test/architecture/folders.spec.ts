/** The rules that keep a folder small enough to read, and SQL where it belongs. */
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Source, literalsIn, serviceSources, sourcesIn } from '../support/source.js';

const offenders = (sources: Source[], offends: (source: Source) => boolean): string[] =>
  sources.filter((source) => offends(source)).map(({ path }) => path);

/** Matches statements, not words, because a message may contain "select". */
const SQL =
  /\b(SELECT\s+\S[^]*\bFROM\s+\w|SELECT\s+\w+\(|INSERT\s+INTO|UPDATE\s+\w+\s+(\w+\s+)?SET\b|DELETE\s+FROM|WITH\s+\w+\s+AS\s*\(|TRUNCATE\s|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|DATABASE|ROLE)\b)/;
/** Only a text with such a word is parsed, because parsing all takes seconds. */
const SQL_WORD = /\b(SELECT|INSERT|UPDATE|DELETE|WITH|TRUNCATE|CREATE|ALTER|DROP)\b/;
const MAY_HAVE_SQL = /(\.(store|repository|report)\.ts$|^src\/platform\/database\/)/;

describe('src', () => {
  it('has only its entry points and folders at the top', () => {
    const top = serviceSources().filter(({ path }) => path.split('/').length === 2);
    expect(top.map(({ path }) => path)).toEqual(['src/main.ts', 'src/worker.ts']);
  });

  it('has at most 15 files in a folder, not counting specs', () => {
    const counts = new Map<string, number>();
    for (const { path } of serviceSources()) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 15)).toEqual([]);
  });

  it('has SQL only in stores, repositories, reports and platform/database', () => {
    const sources = serviceSources().filter(({ path, text }) => !MAY_HAVE_SQL.test(path) && SQL_WORD.test(text));
    expect(offenders(sources, (source) => literalsIn(source).some((text) => SQL.test(text)))).toEqual([]);
  });

  it.each([
    ['new ', 'Function'],
    ['jest.', 'mock('],
  ])('has no %s%s', (start, end) => {
    // Joined, so that this file does not contain the phrase.
    const banned = `${start}${end}`;
    const all = [...sourcesIn('src'), ...sourcesIn('test'), ...sourcesIn('bench')];
    expect(offenders(all, ({ text }) => text.includes(banned))).toEqual([]);
  });
});
