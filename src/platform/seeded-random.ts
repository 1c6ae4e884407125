import { createHash } from 'node:crypto';

/** Draws an integer from 0 to `bound` - 1, each equally likely. `bound` is 1 to 2^31. */
export type DrawBelow = (bound: number) => number;

/**
 * Random numbers that depend on the seed alone: xoshiro128** (Blackman and Vigna), started from the seed's SHA-256.
 * A change here changes the bytes of every report that uses it.
 */
export function seededRandom(seed: string): DrawBelow {
  const digest = createHash('sha256').update(seed).digest();
  // A typed array keeps the four words as plain 32-bit integers; variables would become heap numbers.
  const state = Int32Array.of(
    digest.readInt32LE(0),
    digest.readInt32LE(4),
    digest.readInt32LE(8),
    digest.readInt32LE(12),
  );
  return (bound) => {
    // Values beyond the last multiple of `bound` would favour small numbers, so they are drawn again.
    for (;;) {
      const value = next31(state);
      const drawn = value % bound;
      if (value - drawn <= 2 ** 31 - bound) return drawn;
    }
  };
}

/** Returns the upper 31 bits of the next word, which V8 handles as a small integer. */
function next31(state: Int32Array): number {
  const [s0, s1, s2, s3] = state as unknown as [number, number, number, number];
  const product = Math.imul(s1, 5);
  const word = Math.imul((product << 7) | (product >>> 25), 9);
  const t2 = s2 ^ s0;
  const t3 = s3 ^ s1;
  state[0] = s0 ^ t3;
  state[1] = s1 ^ t2;
  state[2] = t2 ^ (s1 << 9);
  state[3] = (t3 << 11) | (t3 >>> 21);
  return word >>> 1;
}
