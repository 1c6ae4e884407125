import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ReportFile } from './report-file.js';
import { storageFault } from './storage-fault.js';

const folder = mkdtempSync(join(tmpdir(), 'daybook-report-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown');
};

describe('ReportFile', () => {
  it.each([
    ['nothing', []],
    ['a line', ['a,b\r\n']],
    ['many lines, past a chunk', Array.from({ length: 20_000 }, () => 'Zürich,€ 5,😀\r\n')],
    ['a text larger than the buffer', ['x'.repeat(500_000), '€'.repeat(500_000)]],
  ])('writes %s as UTF-8, and counts and hashes what is written', (name, texts) => {
    const path = join(folder, name);
    const file = new ReportFile(path);
    for (const text of texts) file.write(text);
    const bytes = Buffer.from(texts.join(''));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(file.finish()).toEqual({ sizeBytes: bytes.length, sha256 });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('never writes over a file', () => {
    const path = join(folder, 'taken');
    writeFileSync(path, 'a result');
    expect(() => new ReportFile(path)).toThrow('EEXIST');
    expect(readFileSync(path, 'utf8')).toBe('a result');
  });
});

describe('storageFault', () => {
  // A device that is always full. Not there on macOS.
  // Only where there is such a device; elsewhere there is no such test.
  if (existsSync('/dev/full')) {
    it('says that the disk is full', () => {
      const fd = openSync('/dev/full', 'w');
      expect(storageFault(thrownBy(() => writeSync(fd, 'x')))).toBe(
        'Report files cannot be stored: the disk is full (ENOSPC)',
      );
    });
  }

  it('says that the folder is missing', () => {
    const fault = storageFault(thrownBy(() => new ReportFile(join(folder, 'no', 'file'))));
    expect(fault).toBe('Report files cannot be stored: the file or its folder is missing (ENOENT)');
  });

  it.each([new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOSPC', null, undefined])(
    'leaves other errors alone: %p',
    (error) => {
      expect(storageFault(error)).toBeNull();
    },
  );
});
