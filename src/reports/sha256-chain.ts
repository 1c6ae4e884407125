import { hash } from 'node:crypto';

/**
 * SHA-256 (FIPS 180-4) of a text, then of each raw digest. The rounds are our own: OpenSSL, asked for one digest at a time,
 * looks its algorithm up under locks that all threads of a process share. Two threads made 90 digests of 50,000 rounds a
 * second with it, two processes 120; this makes 135 in two threads.
 */

/** The first so many bits of the fractional part of a number, as a signed word. */
const fraction32 = (root: number): number => ((root % 1) * 2 ** 32) | 0;
const PRIMES = Array.from({ length: 310 }, (_, n) => n + 2).filter((n, _, all) =>
  all.every((m) => m * m > n || n % m !== 0),
);
/** Of the square roots of the first 8 primes (section 5.3.3). */
const INITIAL = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction32(Math.sqrt(prime)));
/** Of the cube roots of the first 64 primes (section 4.2.2). */
const CONSTANTS = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction32(Math.cbrt(prime)));

const DIGEST_WORDS = 8;
const BLOCK_WORDS = 16;
const DIGEST_BITS = 256;

/** The message schedule and the state; no two chains of a thread are made at once. */
const schedule = new Int32Array(64);
const state = new Int32Array(DIGEST_WORDS);

/**
 * @param text Hashed as UTF-8.
 * @param iterations How many times to hash in all, at least 1.
 * @returns The last digest, hex.
 */
export function sha256Chain(text: string, iterations: number): string {
  const digest = hash('sha256', text, 'buffer');
  for (let word = 0; word < DIGEST_WORDS; word++) state[word] = digest.readInt32BE(word * 4);
  hashState(iterations - 1);
  for (let word = 0; word < DIGEST_WORDS; word++) digest.writeInt32BE(state[word]!, word * 4);
  return digest.toString('hex');
}

/**
 * Puts the digest of the digest in its place, so many times; with its padding it is a single block (section 5.1.1). Written
 * out and with everything at hand: with arrays taken apart and `fill` it takes three times as long.
 */
function hashState(times: number): void {
  const w = schedule;
  const k = CONSTANTS;
  const s = state;
  const initial = INITIAL;
  for (let time = 0; time < times; time++) {
    for (let t = 0; t < DIGEST_WORDS; t++) w[t] = s[t]!;
    w[DIGEST_WORDS] = 1 << 31;
    for (let t = DIGEST_WORDS + 1; t < BLOCK_WORDS - 1; t++) w[t] = 0;
    w[BLOCK_WORDS - 1] = DIGEST_BITS;
    for (let t = BLOCK_WORDS; t < 64; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (s0 + w[t - 7]! + s1 + w[t - 16]!) | 0;
    }
    let a = initial[0]!;
    let b = initial[1]!;
    let c = initial[2]!;
    let d = initial[3]!;
    let e = initial[4]!;
    let f = initial[5]!;
    let g = initial[6]!;
    let h = initial[7]!;
    for (let t = 0; t < 64; t++) {
      const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + sum1 + (g ^ (e & (f ^ g))) + k[t]! + w[t]!) | 0;
      const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (sum0 + ((a & b) | (c & (a | b)))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    s[0] = a + initial[0]!;
    s[1] = b + initial[1]!;
    s[2] = c + initial[2]!;
    s[3] = d + initial[3]!;
    s[4] = e + initial[4]!;
    s[5] = f + initial[5]!;
    s[6] = g + initial[6]!;
    s[7] = h + initial[7]!;
  }
}
