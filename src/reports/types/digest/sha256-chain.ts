import { hash } from 'node:crypto';

/**
 * SHA-256 (FIPS 180-4) of a text, then of each raw digest. The rounds are our own: OpenSSL, asked for one digest at a time,
 * looks its algorithm up under locks that all threads of a process share, and takes twice as long even where there is one.
 */

/** The first so many bits of the fractional part of a number, as a signed word. */
const fraction32 = (root: number): number => ((root % 1) * 2 ** 32) | 0;
const PRIMES = Array.from({ length: 310 }, (_, n) => n + 2).filter((n, _, all) =>
  all.every((m) => m * m > n || n % m !== 0),
);
/** Of the square roots of the first 8 primes (section 5.3.3). */
const INITIAL = PRIMES.slice(0, 8).map((prime) => fraction32(Math.sqrt(prime)));
/** Of the cube roots of the first 64 primes (section 4.2.2). */
const CONSTANTS = PRIMES.slice(0, 64).map((prime) => fraction32(Math.cbrt(prime)));

const DIGEST_WORDS = INITIAL.length;
const DIGEST_BITS = 256;
const ROUNDS = CONSTANTS.length;
/** A digest with its padding is a single block (section 5.1.1). */
const BLOCK = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 1 << 31, 0, 0, 0, 0, 0, 0, DIGEST_BITS];

/** No two chains of a thread are made at once. */
const state = new Int32Array(DIGEST_WORDS);

/**
 * @param text Hashed as UTF-8.
 * @param iterations How many times to hash in all, at least 1.
 * @returns The last digest, hex.
 */
export function sha256Chain(text: string, iterations: number): string {
  const digest = hash('sha256', text, 'buffer');
  for (let word = 0; word < DIGEST_WORDS; word++) state[word] = digest.readInt32BE(word * 4);
  hashState(state, iterations - 1);
  for (let word = 0; word < DIGEST_WORDS; word++) digest.writeInt32BE(state[word]!, word * 4);
  return digest.toString('hex');
}

/**
 * Puts the digest of the digest in its place, so many times. All rounds are written out, each word in a variable of its
 * own: so V8 keeps them in registers and works out beforehand what the padding makes constant. A loop over arrays takes
 * 1.6 times as long.
 */
// oxlint-disable-next-line typescript/no-implied-eval -- Its text is made of the constants above and of nothing else.
const hashState = new Function('state', 'times', programText()) as (state: Int32Array, times: number) => void;

function programText(): string {
  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  return `
    ${lines(DIGEST_WORDS, (n) => `let s${n} = state[${n}];`)}
    for (let time = 0; time < times; time++) {
      ${lines(BLOCK.length, (n) => `let w${n} = ${BLOCK[n]};`)}
      ${lines(DIGEST_WORDS, (n) => `let v${n} = ${INITIAL[n]};`)}
      ${lines(ROUNDS, roundText)}
      ${lines(DIGEST_WORDS, (n) => `s${n} = (v${n} + ${INITIAL[n]}) | 0;`)}
    }
    ${lines(DIGEST_WORDS, (n) => `state[${n}] = s${n};`)}`;
}

type Eight = [string, string, string, string, string, string, string, string];

/** One round (section 6.2.2). The working variables stay where they are, and change their parts instead. */
function roundText(t: number): string {
  const right = (word: string, by: number): string => `(${word} >>> ${by} | ${word} << ${32 - by})`;
  const w = (index: number): string => `w${index % BLOCK.length}`;
  const part = (index: number): string => `v${(index + ROUNDS - t) % DIGEST_WORDS}`;
  const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(part) as Eight;
  const [x, y] = [w(t + 1), w(t + 14)];
  const scheduled =
    t < BLOCK.length
      ? ''
      : `${w(t)} = (${w(t)} + (${right(x, 7)} ^ ${right(x, 18)} ^ ${x} >>> 3) + ${w(t + 9)} +
           (${right(y, 17)} ^ ${right(y, 19)} ^ ${y} >>> 10)) | 0;`;
  return `${scheduled}
    ${h} = (${h} + (${right(e, 6)} ^ ${right(e, 11)} ^ ${right(e, 25)}) + (${g} ^ ${e} & (${f} ^ ${g})) + ${CONSTANTS[t]} + ${w(t)}) | 0;
    ${d} = (${d} + ${h}) | 0;
    ${h} = (${h} + (${right(a, 2)} ^ ${right(a, 13)} ^ ${right(a, 22)}) + (${a} & ${b} | ${c} & (${a} | ${b}))) | 0;`;
}
