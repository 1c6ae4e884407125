import { z } from 'zod';
import { defineReport } from '../../define-report.js';
import { sha256Chain } from './sha256-chain.js';

const digestParams = z.strictObject({
  input_data: z.string().min(1).max(10_000).describe('Text to hash, as UTF-8'),
  iterations: z.int().min(1).max(1_000_000).default(50_000).describe('How many times to hash in all'),
});

const ROUNDS_PER_MS = 5_000;

/** SHA-256 of the text, then of each raw digest: work that costs processor time and nothing else. */
export default defineReport({
  type: 'digest',
  title: 'SHA-256 digest, repeated',
  params: digestParams,
  formats: ['json'],
  expectedMs: ({ iterations }) => iterations / ROUNDS_PER_MS,
  build({ input_data, iterations }) {
    const startedAt = performance.now();
    const result = sha256Chain(input_data, iterations);
    return { result, iterations, duration_ms: Math.round(performance.now() - startedAt) };
  },
});
