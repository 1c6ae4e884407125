import { describe, expect, it } from '@jest/globals';
import { type OutageCause, outageCause } from './outage-cause.js';

const coded = (code: string, message = 'text of the server'): Error => Object.assign(new Error(message), { code });

describe('outageCause', () => {
  const passing: [string, OutageCause][] = [
    ['08000', 'unreachable'],
    ['08006', 'unreachable'],
    ['08P01', 'unreachable'],
    ['25006', 'read-only'],
    ['25P03', 'timeout'],
    ['25P04', 'timeout'],
    ['26000', 'stale-statement'],
    ['42P05', 'stale-statement'],
    ['28000', 'refused'],
    ['28P01', 'refused'],
    ['3D000', 'refused'],
    ['40000', 'conflict'],
    ['40001', 'conflict'],
    ['40P01', 'conflict'],
    ['40003', 'unreachable'],
    ['53000', 'system-error'],
    ['53100', 'disk-full'],
    ['53200', 'out-of-memory'],
    ['53300', 'too-many-connections'],
    ['53400', 'system-error'],
    ['55000', 'stopping'],
    ['55006', 'locked'],
    ['55P03', 'locked'],
    ['57000', 'stopping'],
    ['57014', 'timeout'],
    ['57P01', 'stopping'],
    ['57P02', 'stopping'],
    ['57P03', 'stopping'],
    ['57P04', 'stopping'],
    ['57P05', 'timeout'],
    ['58000', 'system-error'],
    ['58030', 'system-error'],
    ['58P01', 'system-error'],
    ['72000', 'conflict'],
    ['ECONNREFUSED', 'unreachable'],
    ['EHOSTUNREACH', 'unreachable'],
    ['EPIPE', 'unreachable'],
    ['EAI_AGAIN', 'unreachable'],
    ['EMFILE', 'unreachable'],
    ['CERT_HAS_EXPIRED', 'refused'],
  ];
  it.each(passing)('%s is %s', (code, cause) => expect(outageCause(coded(code))).toBe(cause));

  const final = '0A000 21000 22P02 22P05 23505 23503 25001 25P02 40002 42601 42P01 42703 42501 44000 54000 P0001 XX000';
  it.each(final.split(' '))('%s is an error of the statement', (code) => expect(outageCause(coded(code))).toBeNull());

  it('knows the errors of the driver by their messages, and a plan that has become stale', () => {
    const messages = ['Connection terminated unexpectedly', 'Cannot use a pool after calling end on the pool'];
    for (const message of messages) expect(outageCause(new Error(message))).toBe('unreachable');
    expect(outageCause(new Error('timeout exceeded when trying to connect'))).toBe('timeout');
    expect(outageCause(coded('0A000', 'cached plan must not change result type'))).toBe('stale-statement');
    expect(outageCause(new Error('Something else'))).toBeNull();
    expect(outageCause('40001')).toBeNull();
  });
});
