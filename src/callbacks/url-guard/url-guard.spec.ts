/** The rules of every callback URL: its address, its form and its name; and the exception for the demo receiver. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isRefused, refusal } from '../../../test/callback-urls/url-guard-fixture.js';
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
const refuses = (url: string, by = guard): boolean => isRefused(url, by);

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
