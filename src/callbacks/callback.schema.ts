import { z } from 'zod';

const fields = {
  timestamp: z.iso.datetime().describe('Time at which the request finished'),
  account: z.string().describe('Name of the account whose request it is; `open` with `AUTH=open`'),
  request_id: z.uuid(),
  queue_position: z.int().nullable().describe('Null for a sync request'),
};

/** The body of a callback. */
export const callbackBody = z
  .union([
    z
      .looseObject({ type: z.literal('report.completed'), status: z.literal('completed'), ...fields })
      .describe('The fields of the result follow these fields'),
    z.looseObject({ type: z.literal('report.failed'), status: z.literal('failed'), ...fields, error: z.string() }),
    z.looseObject({ type: z.literal('report.cancelled'), status: z.literal('cancelled'), ...fields }),
  ])
  .meta({ id: 'Callback' });

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

/**
 * Returns the OpenAPI `callbacks` object of an operation that takes a `callback_url`.
 * @param schema JSON Schema of {@link callbackBody}.
 */
export function callbackOperations(schema: object): object {
  return {
    report: {
      '{$request.body#/callback_url}': {
        post: {
          summary: 'The report is complete or has failed',
          description:
            'Any 2xx accepts the callback. 5xx, timeouts and connection errors are retried; 3xx and 4xx are final.',
          parameters: [
            header('webhook-id', 'The same in every attempt; a repeated id is a duplicate'),
            header('webhook-timestamp', 'Time of the attempt in seconds since 1970'),
            {
              ...header(
                'webhook-signature',
                'Standard Webhooks 1.0.0: the base64 of the HMAC-SHA256 (`v1`) or the Ed25519 signature (`v1a`) of ' +
                  '`webhook-id.webhook-timestamp.body`. During a rotation several signatures, separated by spaces; ' +
                  'one that fits is enough',
              ),
              example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
            },
            header('X-Request-ID', 'The id of the request'),
            header('X-Attempt-Number', 'The number of the attempt, starting at 1'),
          ],
          requestBody: { required: true, content: { 'application/json': { schema } } },
          responses: { '2XX': { description: 'Accepted' } },
        },
      },
    },
  };
}
