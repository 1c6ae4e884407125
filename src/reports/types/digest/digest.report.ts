import { z } from 'zod';
import { defineReport } from '../../define-report.js';
import { sha256Chain } from './sha256-chain.js';

const ITERATIONS_PER_MS = 5_000;

/** SHA-256 of a text, then of each raw digest: a report that costs processor time and nothing else. */
export default defineReport({
  type: 'digest',
  title: 'SHA-256 digest, repeated',
  params: z.strictObject({
    input_data: z.string().min(1).max(10_000).describe('Text to hash, as UTF-8'),
    iterations: z.int().min(1).max(1_000_000).default(50_000).describe('Number of hashes in all'),
  }),
  expectedMs: ({ iterations }) => iterations / ITERATIONS_PER_MS,
  compute({ input_data, iterations }) {
    const startedAt = performance.now();
    const result = sha256Chain(input_data, iterations);
    return { result, iterations, duration_ms: Math.round(performance.now() - startedAt) };
  },
});
