import { describe, expect, it } from '@jest/globals';
import { parseHosts } from './hosts-file.js';

const FILE = `127.0.0.1\tlocalhost
# 10.0.0.9 commented.test
  10.0.0.1   Receiver.test  alias # 10.0.0.2 comment
fd00::1 receiver.test.
10.0.0.1 receiver.test
fe80::1%lo0 zoned.test
300.0.0.1 wrong.test
nonsense
10.0.0.3`;

describe('a hosts file', () => {
  it('gives every address of a name, whatever its case, in order', () => {
    expect(Object.fromEntries(parseHosts(FILE))).toEqual({
      localhost: ['127.0.0.1'],
      'receiver.test': ['10.0.0.1', 'fd00::1'],
      alias: ['10.0.0.1'],
    });
  });

  it.each(['', '\n\n', '#', '\r\n'])('may be empty: %j', (text) => expect(parseHosts(text).size).toBe(0));

  it('may have lines that end with CR LF', () => {
    expect(parseHosts('10.0.0.1 a\r\n10.0.0.2 b\r\n').get('a')).toEqual(['10.0.0.1']);
  });
});
