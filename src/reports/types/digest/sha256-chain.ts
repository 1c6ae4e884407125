import { hash } from 'node:crypto';
import { hashState } from './sha256-rounds.generated.js';

const DIGEST_WORDS = 8;

/** Shared by all calls: a thread computes one chain at a time. */
const state = new Int32Array(DIGEST_WORDS);

/**
 * SHA-256 (FIPS 180-4) of a text, then of each raw digest. OpenSSL hashes the text only: for one short message at a time it
 * takes locks that all threads of a process share, and needs twice as long (docs/decisions/0011-sha256-in-javascript.md).
 * @param text Hashed as UTF-8.
 * @param iterations Number of hashes in all, at least 1.
 * @returns The last digest, hex.
 */
export function sha256Chain(text: string, iterations: number): string {
  const digest = hash('sha256', text, 'buffer');
  for (let word = 0; word < DIGEST_WORDS; word++) state[word] = digest.readInt32BE(word * 4);
  hashState(state, iterations - 1);
  for (let word = 0; word < DIGEST_WORDS; word++) digest.writeInt32BE(state[word]!, word * 4);
  return digest.toString('hex');
}
