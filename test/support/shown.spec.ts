import { describe, expect, it } from '@jest/globals';
import { jsonDifference, textDifference } from './shown.js';

describe('jsonDifference', () => {
  it.each([
    ['{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1}'],
    ['{"a": …}', '{"a":{"b":[1]}}'],
    ['{"a": 1, …}', '{"a":1,"b":2}'],
    ['{…}', '{}'],
    ['{"id": "req-…-end", "note": "a {…} [b], c"}', '{"id":"req-17-end","note":"a {x} [b], c"}'],
    ['[1, …]', '[1]'],
    ['[1, …, 9]', '[1,2,3,9]'],
    ['[{"n": 1, …}, …]', '[{"n":1,"m":0},{"n":2}]'],
  ])('matches %s with %s', (shown, printed) => {
    expect(jsonDifference(shown, printed)).toBeNull();
  });

  it.each([
    ['{"a": 1}', '{"a":1,"b":2}', '$ also has b'],
    ['{"a": 1, …}', '{"b":1}', '$ has no a'],
    ['{"a": {"b": "x…"}}', '{"a":{"b":"yx"}}', '$.a.b is "yx", not "x…"'],
    ['{"a": "1"}', '{"a":1}', '$.a is 1, not "1"'],
    ['{"a": null}', '{"a":{}}', '$.a is {}, not null'],
    ['[1]', '[1,2]', '$ has 1 more elements'],
    ['[1, …, 9]', '[1,2]', 'not 9'],
    ['{"a": …}', 'curl: no', 'not JSON: curl: no'],
  ])('rejects for %s: %s', (shown, printed, why) => {
    expect(jsonDifference(shown, printed)).toContain(why);
  });
});

describe('textDifference', () => {
  it.each([
    ['HTTP/1.1 200 OK\n…\nEtag: "…"', 'HTTP/1.1 200 OK\r\nDate: now\r\nAge: 0\r\nEtag: "ab"\r\n'],
    ['a\n…\nb', 'a\nb\n'],
    ['a (b)*', 'a (b)*'],
  ])('matches %j with %j', (shown, printed) => {
    expect(textDifference(shown, printed)).toBeNull();
  });

  it.each([
    ['a\n…\nb', 'a\nc\n'],
    ['a', 'a\nb\n'],
    ['a…c', 'a\nc'],
    ['a.c', 'abc'],
    ['200', ''],
  ])('rejects for %j: %j', (shown, printed) => {
    expect(textDifference(shown, printed)).toContain('printed instead');
  });
});
