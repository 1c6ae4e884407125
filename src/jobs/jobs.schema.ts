import { z } from 'zod';

export const acknowledgementSchema = z.object({
  request_id: z.uuid(),
  status: z.literal('pending'),
  queue_position: z.int().min(1),
  jobs_ahead: z.int().min(0),
  lane: z.string(),
  message: z.string(),
});

export const syncAnswerSchema = z.looseObject({
  request_id: z.uuid(),
  mode: z.literal('sync'),
  status: z.enum(['completed', 'processing']),
});
