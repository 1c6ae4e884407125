import { z } from 'zod';
import { pageFields } from '../../http/fields/page-query.js';
import { dateTime } from '../../http/fields/date-time.js';
import { ACTION_OUTCOMES } from './action.entity.js';

export const actionsQuery = z.strictObject({
  action: z.string().max(100).optional().describe('Name of the action, such as `request.cancel`'),
  target: z.string().max(200).optional().describe('Id or name of the thing that was changed'),
  since: dateTime.optional().describe('Only actions at this time or later'),
  until: dateTime.optional().describe('Only actions at this time or earlier'),
  ...pageFields('Actions'),
});
export type ActionsQuery = z.infer<typeof actionsQuery>;

const actor = z
  .object({
    kind: z
      .enum(['key', 'operator', 'user', 'anonymous', 'open', 'command-line'])
      .describe(
        '`operator` is an admin key that acted for the account; `open` is any caller with `AUTH=open`, and `anonymous` one without credentials with `AUTH=required`',
      ),
    id: z.uuid().nullable().describe('The API key or user; only operators see that of an operator'),
    name: z.string().nullable().describe('Name of the key or user, or the user of the operating system'),
  })
  .meta({ id: 'Actor' });

const actionView = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    action: z.string().describe('`noun.verb`, such as `request.cancel`'),
    target: z.string().nullable().describe('Id or name of the thing that was changed'),
    detail: z
      .looseObject({})
      .nullable()
      .describe('Some fields of the request and its result; of a URL only the origin'),
    outcome: z.enum(ACTION_OUTCOMES).describe('`failed`: an unexpected error; something may have changed'),
    status: z.int().nullable().describe('HTTP status; null for the command line'),
    actor,
    account: z.string().nullable().describe('The account whose data was changed; null with `AUTH=open`'),
    request_id: z.string().nullable().describe('`X-Request-Id` of the response'),
    address: z.string().nullable().describe('Network address of the caller'),
  })
  .meta({ id: 'Action' });

export const actionPage = z
  .object({ actions: z.array(actionView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'ActionPage' });
