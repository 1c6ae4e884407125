import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../platform/seeded-random.js';
import { GzipWriter } from './gzip.js';

/** Compresses chunks, each in a buffer that is overwritten afterwards. */
function compressed(chunks: readonly Buffer[]): Buffer {
  const written: Buffer[] = [];
  const writer = new GzipWriter((bytes) => written.push(Buffer.from(bytes)));
  for (const chunk of chunks) {
    const passing = Buffer.from(chunk);
    writer.write(passing);
    passing.fill(0);
  }
  writer.finish();
  return Buffer.concat(written);
}

/** Bytes that compress as a report does. */
function lines(bytes: number): Buffer {
  const below = seededRandom('gzip');
  const text = Array.from({ length: bytes / 20 }, (_, n) => `${n},${below(1_000_000)},Zürich\n`).join('');
  return Buffer.from(text).subarray(0, bytes);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

describe('GzipWriter', () => {
  it.each([0, 1, 32 * 1024, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3_000_000])('compresses %d bytes', (size) => {
    const bytes = lines(size);
    const file = compressed([bytes]);
    expect(gunzipSync(file).equals(bytes)).toBe(true);
    if (size > 1_000) expect(file.length).toBeLessThan(size / 2);
  });

  it('compresses any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 10 }), (chunks) => {
        const buffers = chunks.map((chunk) => Buffer.from(chunk));
        expect(gunzipSync(compressed(buffers)).equals(Buffer.concat(buffers))).toBe(true);
      }),
    );
  });

  it('writes the same file however the bytes arrive', () => {
    const bytes = lines(1_500_000);
    const hashes = [1_500_000, 700_000, 65_536, 4_093].map((size) =>
      createHash('sha256')
        .update(compressed(cut(bytes, size)))
        .digest('hex'),
    );
    expect(new Set(hashes).size).toBe(1);
  });

  it('writes no time, no name and no operating system into the header', () => {
    expect([...compressed([Buffer.from('a')]).subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  it('writes blocks as they fill, so that it keeps a fixed amount', () => {
    let written = 0;
    const writer = new GzipWriter((bytes) => (written += bytes.length));
    const chunk = lines(1_000_000);
    for (let count = 0; count < 5; count++) {
      const before = written;
      writer.write(chunk);
      expect(written).toBeGreaterThan(before + 100_000);
    }
  });

  it('passes on the error of the writer behind it', () => {
    const writer = new GzipWriter((bytes) => {
      if (bytes.length > 10) throw new Error('full');
    });
    expect(() => writer.write(lines(300_000))).toThrow('full');
  });
});
