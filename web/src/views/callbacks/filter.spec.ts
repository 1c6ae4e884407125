import { expect, it } from 'vitest';
import { filterOf, originOf } from './filter';

const NOW_MS = Date.parse('2026-03-01T12:00:30.500Z');

it.each([
  [{}, { status: 'FAILED' }],
  [{ status: 'all' }, {}],
  [{ status: 'SUCCESS' }, { status: 'SUCCESS' }],
  [{ status: 'nonsense' }, { status: 'FAILED' }],
  [{ status: 'all', since: '1h' }, { since: '2026-03-01T11:00:00.000Z' }],
  [{ status: 'all', destination: 'https://shop.example/hooks?a=1' }, { destination: 'https://shop.example:443' }],
])('the parameters %j are the filter %j', (search, filter) => {
  expect(filterOf(search, NOW_MS)).toEqual(filter);
});

it.each([
  ['http://localhost:4164/api/callbacks/receive', 'http://localhost:4164'],
  ['http://shop.example', 'http://shop.example:80'],
  ['shop.example', 'shop.example'],
])('the destination of %s is %s', (text, destination) => {
  expect(originOf(text)).toBe(destination);
});
