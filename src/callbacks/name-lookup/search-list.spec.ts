import { describe, expect, it } from '@jest/globals';
import { candidates, parseSearchList } from './search-list.js';

describe('resolv.conf', () => {
  it.each([
    ['', [], 1],
    ['nameserver 10.0.0.1\n', [], 1],
    ['search a.test B.test.\noptions ndots:5 timeout:1\n', ['a.test', 'b.test'], 5],
    ['search a.test\nsearch b.test # c.test\n', ['b.test'], 1],
    ['search a.test\ndomain b.test c.test\n', ['b.test'], 1],
    ['domain a.test\nsearch b.test c.test\n', ['b.test', 'c.test'], 1],
    ['; search a.test\nsearch .\n', [], 1],
    ['options ndots:2\noptions rotate\noptions ndots:99', [], 15],
    ['options ndots:x\r\nsearch\ta.test\r\n', ['a.test'], 1],
    ['options ndots:0', [], 0],
  ])('%j searches %j from %d dots on', (text, domains, ndots) => {
    expect(parseSearchList(text)).toEqual({ domains, ndots });
  });

  it('has a bounded number of domains', () => {
    const text = `search ${Array.from({ length: 100 }, (_, n) => `d${n}.test`).join(' ')}`;
    expect(parseSearchList(text).domains).toHaveLength(32);
  });
});

describe('the names that are tried', () => {
  it.each([
    ['receiver', 1, ['receiver.a.test', 'receiver.b.test', 'receiver']],
    ['hooks.example', 1, ['hooks.example', 'hooks.example.a.test', 'hooks.example.b.test']],
    ['hooks.example', 2, ['hooks.example.a.test', 'hooks.example.b.test', 'hooks.example']],
    ['receiver', 0, ['receiver', 'receiver.a.test', 'receiver.b.test']],
  ])('for %s with ndots:%d are %j', (name, ndots, names) => {
    expect(candidates(name, { domains: ['a.test', 'b.test'], ndots })).toEqual(names);
  });

  it('without a search list is the name', () => expect(candidates('a', { domains: [], ndots: 1 })).toEqual(['a']));
});
