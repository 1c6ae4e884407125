import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { NameLookup, NameNotFound, NameUnavailable } from '../../src/callbacks/name-lookup/name-lookup.js';
import { temporaryFolder } from '../support/folder.js';
import { NXDOMAIN, REFUSED, SERVFAIL, type NameAnswer, startNameserver } from '../support/nameserver.js';

const never = (): AbortSignal => new AbortController().signal;

/** Creates a lookup with its own files and nameserver. Names that are not in `names` do not exist. */
async function lookup(names: Record<string, NameAnswer>, { hosts = '', resolver = '' } = {}) {
  const folder = await temporaryFolder();
  const [hostsFile, resolverFile] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  await writeFile(hostsFile, hosts);
  await writeFile(resolverFile, resolver);
  const nameserver = await startNameserver(
    ({ name, type, over }) => names[`${name} ${type} ${over}`] ?? names[`${name} ${type}`] ?? names[name] ?? NXDOMAIN,
  );
  const { resolve } = new NameLookup({ servers: [nameserver.server], hostsFile, resolverFile });
  return {
    ...nameserver,
    hostsFile,
    resolverFile,
    resolve: (name: string, account: string | null = null, signal = never()) => resolve(name, { account, signal }),
    error: (name: string, account: string | null = null, signal = never()) =>
      resolve(name, { account, signal }).then(
        (addresses) => addresses,
        (error: unknown) => error,
      ),
  };
}

describe('a name', () => {
  it('has the addresses of both families, IPv4 first', async () => {
    const { resolve } = await lookup({ 'both.test': ['2606:4700::1', '8.8.8.8', '8.8.4.4'] });
    expect(await resolve('both.test')).toEqual(['8.8.8.8', '8.8.4.4', '2606:4700::1']);
  });

  it.each<[string, NameAnswer]>([
    ['8.8.8.8', 'silence'],
    ['8.8.8.8', SERVFAIL],
    ['2606:4700::1', 'silence'],
  ])('has the address %s when the question for the other family gets %j', async (address, other) => {
    const [type, otherType] = address.includes(':') ? ['AAAA', 'A'] : ['A', 'AAAA'];
    const { resolve } = await lookup({ [`x.test ${type}`]: [address], [`x.test ${otherType}`]: other });
    expect(await resolve('x.test')).toEqual([address]);
  });

  it('is asked for over TCP when the answer is truncated', async () => {
    const { resolve, questions } = await lookup({
      'x.test A udp': 'truncated',
      'x.test A tcp': ['8.8.8.8'],
      'x.test': [],
    });
    expect(await resolve('x.test')).toEqual(['8.8.8.8']);
    expect(questions).toContainEqual({ name: 'x.test', type: 'A', over: 'tcp' });
  });

  it.each<[string, NameAnswer, string]>([
    ['does not exist', NXDOMAIN, 'ENOTFOUND'],
    ['has no address', [], 'ENODATA'],
  ])('that %s is an error of the receiver', async (_, answer, code) => {
    const { error } = await lookup({ 'x.test': answer });
    expect(await error('x.test')).toMatchObject({ constructor: NameNotFound, code });
  });

  it.each<[string, NameAnswer, string]>([
    ['fails', SERVFAIL, 'ESERVFAIL'],
    ['refuses', REFUSED, 'EREFUSED'],
    ['never answers', 'silence', 'ETIMEOUT'],
  ])('whose nameserver %s is unavailable', async (_, answer, code) => {
    const { error } = await lookup({ 'x.test': answer });
    expect(await error('x.test')).toMatchObject({
      constructor: NameUnavailable,
      isNameDown: true,
      message: `No nameserver resolves x.test (${code})`,
    });
  });

  it('is unavailable when no nameserver can be reached', async () => {
    const { resolve } = new NameLookup({ servers: ['127.0.0.1:1'], resolverFile: '/nonexistent' });
    await expect(resolve('x.test', { account: null, signal: never() })).rejects.toThrow(NameUnavailable);
  });

  it('is given up when the attempt ends', async () => {
    const { error, questions } = await lookup({ 'x.test': 'silence' });
    const controller = new AbortController();
    const ended = error('x.test', null, controller.signal);
    setTimeout(() => controller.abort(), 50);
    expect(await ended).toBeInstanceOf(NameUnavailable);
    expect(questions.length).toBeLessThanOrEqual(2);
  });

  it.each(['localhost', 'a.localhost', 'a.b.localhost'])(
    '%s is this host, without a query to a nameserver',
    async (name) => {
      const { resolve, questions } = await lookup({ [name]: ['8.8.8.8'] }, { hosts: `10.0.0.1 ${name}` });
      expect(await resolve(name)).toEqual(['127.0.0.1', '::1']);
      expect(questions).toEqual([]);
    },
  );

  it('under .invalid never exists', async () => {
    const { error, questions } = await lookup({ 'a.invalid': ['8.8.8.8'] });
    expect(await error('a.invalid')).toMatchObject({ code: 'ENOTFOUND' });
    expect(questions).toEqual([]);
  });
});

describe('the files of the system', () => {
  it('come before nameservers, and are read again when they change', async () => {
    const { resolve, hostsFile } = await lookup({ 'x.test': ['8.8.8.8'] }, { hosts: '10.0.0.1 x.test' });
    expect(await resolve('x.test')).toEqual(['10.0.0.1']);
    await writeFile(hostsFile, '10.0.0.2 x.test');
    // A file system may give both writes the same timestamp.
    await utimes(hostsFile, new Date(), new Date(Date.now() + 10_000));
    expect(await resolve('x.test')).toEqual(['10.0.0.2']);
    await writeFile(hostsFile, '');
    expect(await resolve('x.test')).toEqual(['8.8.8.8']);
  });

  it('set the domains that are searched', async () => {
    const names = { 'x.b.test': ['10.0.0.1'], 'x.y': ['10.0.0.2'], 'x.y.b.test': ['10.0.0.3'] };
    const { resolve, resolverFile } = await lookup(names, { resolver: 'search a.test b.test' });
    expect(await resolve('x')).toEqual(['10.0.0.1']);
    expect(await resolve('x.y')).toEqual(['10.0.0.2']);
    await writeFile(resolverFile, 'search a.test b.test\noptions ndots:2');
    expect(await resolve('x.y')).toEqual(['10.0.0.3']);
  });

  it('continue the search after SERVFAIL, and the error mentions it if nothing is found', async () => {
    const names = { 'x.a.test': SERVFAIL, 'x.b.test': ['10.0.0.1'], 'y.a.test': SERVFAIL };
    const { resolve, error } = await lookup(names, { resolver: 'search a.test b.test' });
    expect(await resolve('x')).toEqual(['10.0.0.1']);
    expect(await error('y')).toBeInstanceOf(NameUnavailable);
  });
});

describe('an account', () => {
  it('with names that are never answered does not delay the lookups of others', async () => {
    const { resolve, error } = await lookup({ 'good.test': ['8.8.8.8'], 'dead.test': 'silence' });
    const dead = Array.from({ length: 40 }, () => error('dead.test', 'a'));
    const beganAtMs = performance.now();
    expect(await resolve('good.test', 'b')).toEqual(['8.8.8.8']);
    expect(performance.now() - beganAtMs).toBeLessThan(1_500);
    const outcomes = await Promise.all(dead);
    expect(outcomes.every((outcome) => outcome instanceof NameUnavailable)).toBe(true);
    const waiting = outcomes.filter((outcome) => !(outcome as NameUnavailable).isNameDown);
    expect(waiting).toHaveLength(32);
  });
});
