import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SpoolFile } from './spool-file.js';

/** More than is gathered before it is written. */
const LARGE = 'x'.repeat(600_000);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-spool-file-'));
  path = join(folder, 'spooled');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(spool: SpoolFile, text: string): void {
  const file = spool.openPart();
  file.write(Buffer.from(text));
  file.finish();
}

describe('SpoolFile', () => {
  it('holds the files of several reports, one behind the other', () => {
    const spool = new SpoolFile(path);
    write(spool, 'Zürich');
    expect(spool.endPart()).toEqual({ offset: 0, length: 7 });
    expect(spool.endPart()).toBeNull();
    write(spool, 'two');
    expect(spool.endPart()).toEqual({ offset: 7, length: 3 });
    spool.close();
    expect(readFileSync(path, 'utf8')).toBe('Zürichtwo');
  });

  it('keeps nothing of a report that failed', () => {
    const spool = new SpoolFile(path);
    write(spool, 'one');
    spool.endPart();
    write(spool, 'a half');
    spool.dropPart();
    write(spool, 'two');
    expect(spool.endPart()).toEqual({ offset: 3, length: 3 });
    spool.close();
    expect(readFileSync(path, 'utf8')).toBe('onetwo');
  });

  it('discards written and buffered bytes', () => {
    const spool = new SpoolFile(path);
    write(spool, 'one');
    spool.endPart();
    write(spool, `${LARGE}a half`);
    spool.dropPart();
    write(spool, 'two');
    spool.endPart();
    write(spool, LARGE);
    expect(spool.endPart()).toEqual({ offset: 6, length: LARGE.length });
    spool.close();
    expect(readFileSync(path, 'utf8')).toBe(`onetwo${LARGE}`);
  });

  it('gives a report one file', () => {
    const spool = new SpoolFile(path);
    spool.openPart();
    expect(() => spool.openPart()).toThrow('A report has one file');
    spool.close();
  });

  it('creates no file for reports without one', () => {
    const spool = new SpoolFile(path);
    expect(spool.endPart()).toBeNull();
    spool.dropPart();
    spool.close();
    expect(existsSync(path)).toBe(false);
  });

  it('never writes over a file', () => {
    writeFileSync(path, 'a result');
    expect(() => new SpoolFile(path).openPart()).toThrow('EEXIST');
    expect(readFileSync(path, 'utf8')).toBe('a result');
  });
});
