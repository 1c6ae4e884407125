import { describe, expect, it } from '@jest/globals';
import { BoundedMap } from './bounded-map.js';

describe('BoundedMap', () => {
  it('never holds more than it may, and always what came last', () => {
    const map = new BoundedMap<number, string>(3);
    for (const key of [1, 2, 3, 3, 2]) map.set(key, `new ${key}`);
    expect([...map.keys()]).toEqual([1, 2, 3]);
    map.set(4, 'four');
    expect([...map]).toEqual([[4, 'four']]);
  });
});
