/** The targets that CALLBACK_ALLOW opens and CALLBACK_DENY closes, when a request is made and at the dial. */
import { describe, expect, it } from '@jest/globals';
import { isRefused as refuses, refusal } from '../../../test/callback-urls/url-guard-fixture.js';
import { ConfigError } from '../../platform/config/config.js';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { UrlGuard } from './url-guard.js';

describe('CALLBACK_ALLOW', () => {
  it.each([
    ['127.0.0.1/32', 'http://127.0.0.1:9000/', 'http://127.0.0.2:9000/'],
    ['127.0.0.1/32', 'http://[::ffff:127.0.0.1]:9000/', 'http://127.0.0.2:9000/'],
    ['127.0.0.1/32', 'http://localhost:9000/', 'http://localhost:25/'],
    ['127.0.0.1:9000', 'http://localhost:9000/', 'http://localhost:9001/'],
    ['::1/128', 'http://a.localhost/', 'http://metadata.google.internal/'],
    ['127.0.0.1:25', 'http://localhost:25/', 'http://localhost:26/'],
    ['10.0.0.0/8', 'http://10.255.0.1/', 'http://localhost/'],
    // Judged at the dial, by the addresses that they resolve to.
    ['10.0.0.0/8', 'http://receiver/', 'http://metadata.goog/'],
    ['10.0.0.0/8', 'http://db.internal/', 'http://a..internal/'],
    ['10.0.0.1:8080', 'http://receiver:8080/', 'http://receiver:8081/'],
    ['db.internal', 'http://db.internal/', 'http://receiver/'],
    ['::1/128', 'http://[::1]:9000/', 'http://[::2]:9000/'],
    ['::1', 'http://[0:0::1]/', 'http://127.0.0.1/'],
    ['10.1.2.3', 'http://10.1.2.3/', 'http://10.1.2.4/'],
    ['10.1.2.3:8080', 'http://10.1.2.3:8080/', 'http://10.1.2.3:8081/'],
    ['[fd00::1]:8080', 'http://[fd00:0::1]:8080/', 'http://[fd00::1]/'],
    ['receiver', 'http://receiver:1234/', 'http://receiver2:1234/'],
    ['Receiver.:443', 'https://receiver/', 'http://receiver/'],
    ['localhost:9000', 'http://LOCALHOST.:9000/', 'http://localhost:9001/'],
    ['db.internal', 'http://db.internal/', 'http://x.db.internal/'],
    ['127.0.0.1:25', 'http://127.0.0.1:25/', 'http://127.0.0.1:26/'],
    ['example.com:6000', 'http://example.com:6000/', 'http://example.com:22/'],
  ])('%s allows %s and not %s', (entry, open, shut) => {
    const opened = new UrlGuard({ allow: [entry] });
    expect(refuses(open, opened)).toBe(false);
    expect(refuses(shut, opened)).toBe(true);
  });

  it.each(['127.0.0.1/32', '127.0.0.1'])('%s does not allow ports of other protocols', (entry) => {
    expect(refuses('http://127.0.0.1:25/', new UrlGuard({ allow: [entry] }))).toBe(true);
  });

  it.each([
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8:80',
    '127.1',
    '0x7f.1',
    '256.1.1.1',
    '010.0.0.1',
    'http://localhost:3000',
    'host:0',
    'host:65536',
    'host:',
    ':80',
    '*.example.com',
    'a b',
    '[127.0.0.1]:80',
    '[::1',
    '::1]:80',
    'fe80::1%eth0',
    '[fe80::1%eth0]:80',
    'user@host',
    '',
    '.',
    'a..b',
    '/8',
  ])('refuses the entry %j at the start and names it', (entry) => {
    const create = () => new UrlGuard({ allow: ['127.0.0.1/32', entry] });
    expect(create).toThrow(ConfigError);
    expect(create).toThrow(`CALLBACK_ALLOW entry ${JSON.stringify(entry)} is not valid: it must be`);
  });
});

describe('at the dial', () => {
  const url = new URL('http://hooks.test:8080/');
  const dial = (allow: string[], address: string, to = url) => {
    try {
      new UrlGuard({ allow }).checkAddress(address, to);
      return 'dialled';
    } catch (error) {
      return error instanceof CallbackUrlRefused ? error.reason : 'bug';
    }
  };

  it.each([
    [[], '8.8.8.8', 'dialled'],
    [[], '10.0.0.1', 'address'],
    [[], '::1', 'address'],
    [[], 'fe80::1%eth0', 'address'],
    [[], 'nonsense', 'address'],
    [['10.0.0.0/8'], '10.0.0.1', 'dialled'],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', 'dialled'],
    [['10.0.0.1:8080'], '10.0.0.1', 'dialled'],
    [['10.0.0.1:80'], '10.0.0.1', 'address'],
    [['hooks.test'], '10.0.0.1', 'dialled'],
    [['hooks.test:8080'], '10.0.0.1', 'dialled'],
    [['hooks.test:80'], '10.0.0.1', 'address'],
    [['other.test'], '10.0.0.1', 'address'],
  ])('with %j, %s is %s', (allow, address, verdict) => expect(dial(allow, address)).toBe(verdict));
});

describe('CALLBACK_DENY', () => {
  it.each([
    ['8.8.8.0/24', 'http://8.8.8.8/', 'http://8.8.9.8/'],
    ['8.8.8.8', 'http://8.8.8.8:8080/', 'http://8.8.4.4/'],
    ['8.8.8.8:8080', 'http://8.8.8.8:8080/', 'http://8.8.8.8/'],
    ['example.com', 'https://EXAMPLE.com./', 'https://www.example.com/'],
    ['example.com:443', 'https://example.com/', 'http://example.com/'],
    ['2606:4700::/32', 'http://[2606:4700::1]/', 'http://[2606:4701::1]/'],
    ['127.0.0.1', 'http://localhost/', 'http://127.0.0.2/'],
    ['localhost', 'http://localhost/', 'http://127.0.0.1/'],
  ])('%s refuses %s and not %s, whatever is allowed', (entry, shut, open) => {
    const allow = ['0.0.0.0/0', '::/0', 'localhost', 'example.com', '8.8.8.8:8080'];
    const guarded = new UrlGuard({ allow, deny: [entry] });
    expect(refusal(() => guarded.check(shut)).message).toContain('CALLBACK_DENY');
    expect(refuses(open, guarded)).toBe(false);
  });

  it('refuses names that resolve into it, the demo receiver too', () => {
    const deny = ['8.8.8.0/24', '127.0.0.0/8'];
    const guarded = new UrlGuard({ allow: ['hooks.test'], deny, demoReceiver: { port: 3000 } });
    const url = guarded.check('http://hooks.test/');
    expect(refusal(() => guarded.dialled(['8.8.4.4', '8.8.8.8'], url)).message).toContain('CALLBACK_DENY');
    expect(guarded.dialled(['8.8.4.4'], url)).toEqual(['8.8.4.4']);
    expect(refuses('http://localhost:3000/api/callbacks/receive', guarded)).toBe(true);
  });

  it('has the forms of CALLBACK_ALLOW', () => {
    expect(() => new UrlGuard({ allow: [], deny: ['10.0.0.0/33'] })).toThrow('CALLBACK_DENY entry "10.0.0.0/33"');
  });
});
