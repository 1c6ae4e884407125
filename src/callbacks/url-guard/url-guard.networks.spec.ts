/** The networks of this host are not called unless allowed; and the addresses that are dialled for a name. */
import { describe, expect, it, jest } from '@jest/globals';
import { isRefused as refuses, refusal } from '../../../test/callback-urls/url-guard-fixture.js';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { UrlGuard } from './url-guard.js';

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
