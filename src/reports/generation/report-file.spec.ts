import { createHash } from 'node:crypto';
import { existsSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ReportFile } from './report-file.js';
import { storageFault } from '../storage/storage-fault.js';

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
    ['several texts', ['Zürich,€ 5,😀\r\n', 'x'.repeat(500_000)]],
  ])('passes on %s, counted and hashed', (_, texts) => {
    const written: Buffer[] = [];
    const file = new ReportFile((chunk) => written.push(chunk));
    for (const text of texts) file.write(Buffer.from(text));
    const bytes = Buffer.from(texts.join(''));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(file.finish()).toEqual({ sizeBytes: bytes.length, sha256 });
    expect(Buffer.concat(written).equals(bytes)).toBe(true);
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
    const fault = storageFault(thrownBy(() => openSync('/no/such/folder/file', 'wx')));
    expect(fault).toBe('Report files cannot be stored: the file or its folder is missing (ENOENT)');
  });

  it.each([new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOSPC', null, undefined])(
    'leaves other errors alone: %p',
    (error) => {
      expect(storageFault(error)).toBeNull();
    },
  );
});
