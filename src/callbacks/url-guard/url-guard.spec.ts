import { readFileSync } from 'node:fs';
import { describe, expect, it, jest } from '@jest/globals';
import { ConfigError } from '../../platform/config/config.js';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { destination } from './callback-url.js';
import { UrlGuard } from './url-guard.js';

interface Case {
  url: string;
  verdict: 'reject' | 'reject-at-dial' | 'accept';
  why: string;
}
const cases = JSON.parse(
  readFileSync(new URL('../../../test/callback-urls/cases.json', import.meta.url), 'utf8'),
) as Case[];

const guard = new UrlGuard({ allow: [] });

function refusal(act: () => unknown): CallbackUrlRefused {
  try {
    act();
  } catch (error) {
    if (error instanceof CallbackUrlRefused) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** Whether a rule refuses the URL. Any other error is a bug and is thrown. */
function refuses(url: string, by = guard): boolean {
  try {
    by.check(url);
    return false;
  } catch (error) {
    if (error instanceof CallbackUrlRefused) return true;
    throw error;
  }
}

describe('the callback URL guard', () => {
  it.each(cases)('$verdict $url ($why)', ({ url, verdict }) => {
    expect(refuses(url)).toBe(verdict === 'reject');
  });

  it.each([
    'http://192.0.0.0/',
    'http://192.0.0.255/',
    'http://223.255.255.255.0/',
    'http://[::ffff:8.8.8.8]/',
    'http://[2001:1ff:ffff::]/',
    'http://[fe80::1%25eth0]/',
    'http://[::ffff:0:7f00:1]/',
  ])('refuses %s', (url) => expect(refuses(url)).toBe(true));

  it.each(['http://192.0.1.0/', 'http://9.255.255.255/', 'http://223.255.255.255/', 'http://[2001:200::]/'])(
    'accepts %s',
    (url) => expect(refuses(url)).toBe(false),
  );
});

describe('form', () => {
  it.each([
    'http:example.com',
    'http:/example.com',
    'https://?x',
    'http://#',
    'https://',
    ' http://example.com/',
    'http://example.com/a b',
    'http://example.com/\u00a0',
    'http://example.com/\u200b',
    'http://example.com/\n',
    'http://example.com/\ud800',
    'http://exam\u00adple.com/',
    'http://example.com/\\',
    'ws://example.com/',
    'http://example.com:65536/',
    'http://exa mple.com/',
    'http://[::1/',
    'http://%00/',
    'http://./',
  ])('refuses %j as malformed', (url) => {
    expect(['malformed', 'host']).toContain(refusal(() => guard.check(url)).reason);
  });

  it.each(['http://user@example.com/', 'http://:pw@example.com/', 'https://a:b@8.8.8.8/'])(
    'refuses userinfo: %s',
    (url) => expect(refusal(() => guard.check(url)).reason).toBe('userinfo'),
  );

  it('accepts up to 2,048 characters, as given and as normalised', () => {
    const base = 'https://example.com/';
    expect(refuses(base.padEnd(2_048, 'x'))).toBe(false);
    expect(refuses(base.padEnd(2_049, 'x'))).toBe(true);
    expect(refuses(base.padEnd(1_000, 'ü'))).toBe(true);
  });

  it('returns the normal form: no fragment, no trailing dot, no default port', () => {
    expect(guard.check('HTTPS://EXAMPLE.com.:443/a/../b?q=1#frag').href).toBe('https://example.com/b?q=1');
    expect(guard.check('http://bücher.example.com/').href).toBe('http://xn--bcher-kva.example.com/');
  });

  it('includes the port in a destination', () => {
    expect(destination(new URL('https://example.com/a?b'))).toBe('https://example.com:443');
    expect(destination(new URL('http://example.com/'))).toBe('http://example.com:80');
    expect(destination(new URL('http://[2606:4700::1]:8080/'))).toBe('http://[2606:4700::1]:8080');
  });

  it.each([
    'https://u:p@hooks.example.com/a',
    'https://hooks.example.com/a b',
    'https://hooks.example.com:22/a',
    'https://hooks.example.com.local/a',
  ])('judges %s independently of similar URLs that passed', (url) => {
    expect(guard.check('https://hooks.example.com/a#b').href).toBe('https://hooks.example.com/a');
    expect(guard.check('https://hooks.example.com/b#').href).toBe('https://hooks.example.com/b');
    expect(refuses(url)).toBe(true);
  });
});

describe('names', () => {
  it.each([
    'localhost',
    'a.b.LOCALHOST',
    'intranet',
    'printer.local',
    'db.internal',
    'nas.localdomain',
    'router.home.arpa',
    'x.onion',
    'wiki.corp',
    'router.lan',
    'metadata.goog',
    'metadata.google.internal',
    '1.0.0.127.in-addr.arpa',
    'ip6-localhost',
    'localhost..',
    'a..com',
    '-a.com',
    'kubernetes.default.svc.cluster.local',
    'ｌｏｃａｌｈｏｓｔ',
  ])('refuses %s with the reason', (name) => {
    const { reason, message, code } = refusal(() => guard.check(`https://${name}/`));
    expect({ reason, code }).toEqual({ reason: 'host', code: 'callback-url-refused' });
    expect(message).toMatch(
      /^The callback URL's host \S+ is .+; only public hosts and those in CALLBACK_ALLOW may be called \(CALLBACK_ALLOW=\S+:443 would allow it\)$/,
    );
  });

  it.each([
    'example.com',
    'a_b.example.com',
    'hooks.test',
    'x.example',
    'no-such-host.invalid',
    'localhost.example.com',
  ])('leaves %s to the check at the dial', (name) => expect(refuses(`https://${name}/`)).toBe(false));
});

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

describe("this host's own networks", () => {
  const addresses = [
    { address: '127.0.0.1', cidr: '127.0.0.1/8' },
    { address: '9.9.9.9', cidr: '9.9.9.9/24' },
    { address: '2606:4700::9', cidr: '2606:4700::9/64' },
    { address: 'fe80::1%eth0', cidr: 'fe80::1%eth0/64' },
    { address: '7.7.7.7', cidr: '7.7.7.7/0' },
    { address: '6.6.6.6', cidr: null },
  ];
  const interfaces = () => ({ eth0: addresses });
  const own = new UrlGuard({ allow: [], interfaces });

  it.each(['9.9.9.9', '9.9.9.1', '[2606:4700::9]', '[2606:4700::1:2]', '7.7.7.7', '6.6.6.6'])(
    'are refused as %s, when the request is made and at the dial',
    (host) => {
      const { reason, message } = refusal(() => own.check(`http://${host}:8080/`));
      expect(reason).toBe('address');
      expect(message).toContain('is an address of this host or its networks');
      expect(message).toContain(`CALLBACK_ALLOW=${host}:8080 would allow it`);
      const address = host.replace(/[[\]]/g, '');
      expect(refusal(() => own.dialled([address], new URL('http://hooks.test/'))).reason).toBe('address');
    },
  );

  it('are refused as IPv4 addresses inside IPv6, if those are allowed at all', () => {
    const translating = new UrlGuard({ allow: ['64:ff9b::/96'], interfaces });
    expect(() => translating.dialled(['::ffff:9.9.9.9'], new URL('http://hooks.test/'))).toThrow(CallbackUrlRefused);
  });

  it.each(['9.9.8.9', '[2606:4700:0:1::1]', '7.7.7.8', '6.6.6.7'])('do not contain %s', (host) => {
    expect(refuses(`http://${host}/`, own)).toBe(false);
  });

  it('may be allowed', () => {
    const allowed = new UrlGuard({ allow: ['9.9.9.0/24'], interfaces });
    expect(refuses('http://9.9.9.9/', allowed)).toBe(false);
    expect(allowed.dialled(['9.9.9.9'], new URL('http://hooks.test/'))).toEqual(['9.9.9.9']);
  });

  it('are read again at the dial after an interface has come up', () => {
    const found = [...addresses];
    const guarded = new UrlGuard({ allow: [], interfaces: () => ({ eth0: found }) });
    const url = new URL('http://hooks.test/');
    expect(guarded.dialled(['5.5.5.5'], url)).toEqual(['5.5.5.5']);
    found.push({ address: '5.5.5.5', cidr: '5.5.5.5/24' });
    const nowMs = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(nowMs + 60_000);
    expect(() => guarded.dialled(['5.5.5.5'], url)).toThrow(CallbackUrlRefused);
    jest.restoreAllMocks();
  });
});

describe('the addresses that are dialled', () => {
  it('for localhost are those that are allowed', () => {
    const url = new URL('http://localhost:9000/');
    const both = ['127.0.0.1', '::1'];
    expect(new UrlGuard({ allow: ['127.0.0.1/32'] }).dialled(both, url)).toEqual(['127.0.0.1']);
    expect(new UrlGuard({ allow: ['localhost'] }).dialled(both, url)).toEqual(both);
    expect(() => new UrlGuard({ allow: ['10.0.0.0/8'] }).dialled(both, url)).toThrow(CallbackUrlRefused);
  });

  it('for any other name are all or none', () => {
    const allowed = new UrlGuard({ allow: ['127.0.0.1/32'] });
    expect(() => allowed.dialled(['127.0.0.1', '::1'], new URL('http://me.test/'))).toThrow(CallbackUrlRefused);
  });

  it.each(['10.0.0.1', '127.0.0.1', '169.254.169.254', 'fd00::1', '9.9.9.9'])(
    'are not described to callers: %s',
    (address) => {
      const guarded = new UrlGuard({ allow: [], interfaces: () => ({ a: [{ address: '9.9.9.9', cidr: null }] }) });
      const { message, forOperators } = refusal(() => guarded.dialled([address], new URL('https://hooks.test/')));
      expect(message).toBe(
        "The callback URL's host hooks.test resolves to an address that callbacks may not call; only public hosts and those " +
          'in CALLBACK_ALLOW may be called (CALLBACK_ALLOW=hooks.test:443 would allow it)',
      );
      expect(forOperators).toMatch(/^hooks\.test resolves to an? .*address/);
    },
  );
});

describe('the demo receiver', () => {
  const demo = { port: 3000 };
  const open = new UrlGuard({ allow: [], demoReceiver: demo });
  const path = '/api/callbacks/receive';

  it.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST.', '127.1'])('may be called as %s', (host) => {
    expect(refuses(`http://${host}:3000${path}?n=1`, open)).toBe(false);
  });

  it.each([
    `https://localhost:3000${path}`,
    `http://localhost:3001${path}`,
    `http://127.0.0.2:3000${path}`,
    `http://localhost:3000${path}/`,
    'http://localhost:3000/api/async',
    `http://localhost:3000${path}/../history`,
    `http://localhost:3000/api/callbacks/%72eceive`,
    `http://x.localhost:3000${path}`,
    `http://u@localhost:3000${path}`,
  ])('does not allow %s', (url) => expect(refuses(url, open)).toBe(true));

  it('may be dialled on loopback only', () => {
    const url = open.check(`http://localhost:3000${path}`);
    open.checkAddress('127.0.0.1', url);
    open.checkAddress('::1', url);
    expect(refusal(() => open.checkAddress('10.0.0.1', url)).reason).toBe('address');
  });

  it('follows its port, and is refused when it is off', () => {
    demo.port = 3100;
    expect(refuses(`http://localhost:3100${path}`, open)).toBe(false);
    expect(refuses(`http://localhost:3000${path}`, open)).toBe(true);
    demo.port = 3000;
    expect(refuses(`http://localhost:3000${path}`)).toBe(true);
  });
});
