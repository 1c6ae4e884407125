import { Client } from 'pg';
import { expect } from '@jest/globals';
import type { Acknowledgement } from './submit.js';
import type { Receipt } from './receiver.js';

export interface FinishedRequest {
  id: string;
  position: number;
  status: string;
  startedAt: number;
  completedAt: number;
}

/** Reads the requests of a lane from the database, in order of position. Times are in milliseconds. */
export async function laneHistory(databaseUrl: string, lane: string): Promise<FinishedRequest[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<FinishedRequest>(
      `SELECT id, queue_position::integer AS position, status,
         (1000 * extract(epoch FROM started_at))::float8 AS "startedAt",
         (1000 * extract(epoch FROM completed_at))::float8 AS "completedAt"
       FROM requests WHERE lane = $1 ORDER BY queue_position`,
      [lane],
    );
    return rows;
  } finally {
    await client.end();
  }
}

/** Expects the positions 1, 2, 3, … without gaps or duplicates. */
export function expectNoGaps(acknowledgements: Acknowledgement[]): void {
  const positions = acknowledgements.map(({ queue_position }) => queue_position).sort((a, b) => a - b);
  expect(positions).toEqual(positions.map((_, index) => index + 1));
}

/** Expects that all requests completed, each started after the previous one ended, and none overlap. */
export function expectStrictOrder(history: FinishedRequest[]): void {
  expect(history.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
  const overlaps = history.filter((request, index) => index > 0 && request.startedAt < history[index - 1]!.completedAt);
  expect(overlaps).toEqual([]);
}

/** Expects each position exactly once and in order. */
export function expectReceivedInOrder(received: Receipt[], count: number): void {
  const positions = received.map(({ json }) => json.queue_position as number);
  expect(positions).toEqual(Array.from({ length: count }, (_, index) => index + 1));
}

/** Expects each position at least once, with the first arrivals in order. */
export function expectFirstArrivalsInOrder(received: Receipt[], count: number): void {
  const firsts = [...new Set(received.map(({ json }) => json.queue_position as number))];
  expect(firsts).toEqual(Array.from({ length: count }, (_, index) => index + 1));
}
