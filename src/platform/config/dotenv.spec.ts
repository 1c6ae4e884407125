import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSettings, unusedNames } from './config.js';
import { readDotenv } from './dotenv.js';

const valuesOf = (text: string): [string, string][] => parseSettings(text).map(({ name, value }) => [name, value]);

describe('parseSettings', () => {
  it.each<[string, [string, string][]]>([
    ['AUTH=required', [['AUTH', 'required']]],
    [
      'AUTH=required\r\nPORT=1\r\n',
      [
        ['AUTH', 'required'],
        ['PORT', '1'],
      ],
    ],
    [
      'AUTH=required\rPORT=1',
      [
        ['AUTH', 'required'],
        ['PORT', '1'],
      ],
    ],
    ['  export AUTH = required   # why', [['AUTH', 'required']]],
    ['# PROT=1\n\n   \n#AUTH: x', []],
    ['AUTH=', [['AUTH', '']]],
    [
      `DATA_DIR="a b#c"  # why\nHOST='::1'\nROLE=\`all\``,
      [
        ['DATA_DIR', 'a b#c'],
        ['HOST', '::1'],
        ['ROLE', 'all'],
      ],
    ],
    [
      'KEY="first\nPROT=2\nlast"\nPORT=3',
      [
        ['KEY', 'first\nPROT=2\nlast'],
        ['PORT', '3'],
      ],
    ],
    [
      'OTEL_EXPORTER=x\nNODE_OPTIONS=--x\nNODE_PATH=/x\nhttp_proxy=x\nPOSTGRES_PASSWORD=x\nTZ=UTC\nHOSTNAME=x\nTZ=UTC',
      [
        ['OTEL_EXPORTER', 'x'],
        ['NODE_OPTIONS', '--x'],
        ['NODE_PATH', '/x'],
        ['http_proxy', 'x'],
        ['POSTGRES_PASSWORD', 'x'],
        ['TZ', 'UTC'],
        ['HOSTNAME', 'x'],
        ['TZ', 'UTC'],
      ],
    ],
    [
      'DAYBOOK_API_KEY=x\nDATABASE_HOST=h\nDATABASE_PORT=1\nREDIS_HOST=h',
      [
        ['DAYBOOK_API_KEY', 'x'],
        ['DATABASE_HOST', 'h'],
        ['DATABASE_PORT', '1'],
        ['REDIS_HOST', 'h'],
      ],
    ],
  ])('accepts %j', (text, values) => expect(valuesOf(text)).toEqual(values));

  const form = 'it must have the form NAME=value, be empty, or begin with #';
  it.each([
    ['PORT: 1', `.env line 1 sets nothing: ${form}. Did you mean PORT=…?`],
    ['AUTH=required\n\nPORT 3000', `.env line 3 sets nothing: ${form}. Did you mean PORT=…?`],
    ['set PORT=3000', `.env line 1 sets nothing: ${form}. Did you mean PORT=…?`],
    ['- AUTH=required', `.env line 1 sets nothing: ${form}. Did you mean AUTH=…?`],
    ['PROT', `.env line 1 sets nothing: ${form}. Did you mean PORT=…?`],
    ['; a comment', `.env line 1 sets nothing: ${form}`],
    ['=3000', `.env line 1 sets nothing: ${form}`],
    ['\u200bAUTH=required', `.env line 1 sets nothing: ${form}. Did you mean AUTH=…?`],
    ['PROT=3000', '.env line 1: PROT is not a setting. Did you mean PORT?'],
    ['\nauth=required', '.env line 2: auth is not a setting. Did you mean AUTH?'],
    ['AUHT=required', '.env line 1: AUHT is not a setting. Did you mean AUTH?'],
    ['DAYBOOK_AUTH=required', '.env line 1: DAYBOOK_AUTH is not a setting. Did you mean AUTH?'],
    ['LOGLEVEL=debug', '.env line 1: LOGLEVEL is not a setting. Did you mean LOG_LEVEL?'],
    ['LOG-LEVEL=debug', '.env line 1: LOG-LEVEL is not a setting. Did you mean LOG_LEVEL?'],
    ['DatabaseUrl=x', '.env line 1: DatabaseUrl is not a setting. Did you mean DATABASE_URL?'],
    ['DATABASE_URI=x', '.env line 1: DATABASE_URI is not a setting. Did you mean DATABASE_URL?'],
    ['NODE_EVN=x', '.env line 1: NODE_EVN is not a setting. Did you mean NODE_ENV?'],
    ['RATE_LIMIT_ASYNCH=off', '.env line 1: RATE_LIMIT_ASYNCH is not a setting. Did you mean RATE_LIMIT_ASYNC?'],
    ['CALLBACK_SECRETS=x', '.env line 1: CALLBACK_SECRETS is not a setting. Did you mean CALLBACK_SECRET?'],
    ['RATE_LIMIT=1/1s', '.env line 1: RATE_LIMIT is not a setting. Did you mean RATE_LIMIT_SYNC?'],
    ['CALLBACK_TIMEOUT_MS=5', '.env line 1: CALLBACK_TIMEOUT_MS is not a setting. Did you mean CALLBACK_TIMEOUT?'],
    ['AUTH_REQUIRED=true', '.env line 1: AUTH_REQUIRED is not a setting. Did you mean AUTH?'],
    ['DATABASE_POOL_SIZE=9', '.env line 1: DATABASE_POOL_SIZE is not a setting. Did you mean DATABASE_POOL?'],
    ['CALLBACK_RETRY=5', '.env line 1: CALLBACK_RETRY is not a setting. Did you mean CALLBACK_RETRY_DELAYS?'],
    ['AUTH=required\nPORT=1\nAUTH=open', '.env line 3: AUTH is set already on line 1'],
    ['AUTH="required', '.env line 1: the quote of AUTH does not close'],
    ['AUTH="required\nHOST="::1"', '.env line 1: there is text behind the closing quote of AUTH'],
    [`A='x' y`, '.env line 1: there is text behind the closing quote of A'],
    [
      '\nDATABASE_URL=postgres://u:pa#ss@h/d',
      '.env line 2: DATABASE_URL would end before the #. Put the value in quotes',
    ],
  ])('refuses %j', (text, message) => expect(() => parseSettings(text)).toThrow(new Error(message)));

  it('never shows a value', () => {
    for (const text of ['PROT=hunter2', 'hunter2', 'REDIS_URL: hunter2', 'REDIS_URL="hunter2'])
      expect(() => parseSettings(text)).not.toThrow(/hunter2/);
  });
});

describe('readDotenv', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-dotenv-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (content: Buffer | string): string | null => {
    const path = join(folder, '.env');
    writeFileSync(path, content);
    return readDotenv(path);
  };

  it('removes a byte order mark, and reads nothing where there is no file', () => {
    expect(read('\ufeffAUTH=required')).toBe('AUTH=required');
    expect(readDotenv(join(folder, 'none'))).toBeNull();
  });

  it.each<[string, Buffer]>([
    ['UTF-16 with a byte order mark', Buffer.from('\ufeffAUTH=required', 'utf16le')],
    ['UTF-16 without one', Buffer.from('AUTH=required', 'utf16le')],
    ['UTF-16, big endian', Buffer.from('\ufeffAUTH=required', 'utf16le').swap16()],
    ['Latin 1', Buffer.from('DATA_DIR=é', 'latin1')],
  ])('refuses %s', (_name, content) => expect(() => read(content)).toThrow(/\.env is not UTF-8.*Save it as UTF-8/));

  it('refuses what cannot be read', () => {
    expect(() => readDotenv(folder)).toThrow(`${folder} cannot be read (EISDIR)`);
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'nowhere'), link);
    expect(() => readDotenv(link)).toThrow(`${link} cannot be read (ENOENT)`);
  });
});

it('warns of variables of the environment that resemble a setting', () => {
  expect(unusedNames({ PATH: '/bin', HOME: '/', PORT: '1', NODE_OPTIONS: '', PROT: '1', log_level: 'x' })).toEqual([
    'The variable PROT is not a setting. Did you mean PORT?',
    'The variable log_level is not a setting. Did you mean LOG_LEVEL?',
  ]);
});
