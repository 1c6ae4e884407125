import { z } from 'zod';
import { pageFields } from '../../http/fields/page-query.js';
import { dateTime } from '../../http/fields/date-time.js';

const status = z.enum(['PENDING', 'SUCCESS', 'FAILED']);

export const deliveriesQuery = z.strictObject({
  status: status.optional(),
  destination: z.string().max(2_048).optional().describe('scheme://host:port'),
  since: dateTime.optional().describe('Only callbacks created at this time or later'),
  ...pageFields('Deliveries'),
});
export type DeliveriesQuery = z.infer<typeof deliveriesQuery>;

const timestamp = z.iso.datetime();

export const deliveryPage = z
  .object({
    callbacks: z.array(
      z
        .object({
          webhook_id: z.string(),
          request_id: z.uuid(),
          url: z.string(),
          destination: z.string(),
          lane: z.string().describe('The lane of the request. A sync request forms a lane of its own, named by its id'),
          queue_position: z.int(),
          status,
          attempts: z.int(),
          error: z.string().nullable().describe('Why the callback is not delivered'),
          next_attempt_at: timestamp.nullable(),
          created_at: timestamp,
          finished_at: timestamp.nullable(),
        })
        .meta({ id: 'CallbackDelivery' }),
    ),
    next_cursor: z.uuid().nullable(),
  })
  .meta({ id: 'CallbackDeliveryPage' });

export const redelivery = z
  .object({
    request_id: z.uuid(),
    callback_status: z.literal('PENDING'),
    message: z.string(),
  })
  .meta({ id: 'Redelivery' });
