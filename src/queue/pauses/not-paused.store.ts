import type { QueueName } from './queue-name.js';

/**
 * The SQL condition that a queue is not paused, for the statements that claim its work: a claim whose snapshot is younger
 * than a pause takes nothing. Postgres evaluates it once a statement, before it reads anything else.
 */
export const notPaused = <Queue extends QueueName>(queue: Queue) =>
  `NOT EXISTS (SELECT FROM queue_pauses WHERE queue = '${queue}')` as const;
