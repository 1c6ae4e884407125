import { describe, expect, it } from '@jest/globals';
import type { FinishedRequest } from '../../requests/finished-requests.js';
import { callbackMessage } from './callback-message.js';
import { callbackBody } from '../callback.schema.js';
import type { DueDelivery } from '../leases/due-delivery.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

const RESULT = { report_name: 'Übersicht', row_count: 50, summary: { total_revenue: 1.5 } };
const DELIVERY: DueDelivery = {
  id: '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55',
  requestId: '0195a0c1-0000-7cc0-9f7e-3d0f2a9b1c55',
  url: 'https://a.example/hook',
  accountId: OPEN_INSTALLATION,
  destination: 'https://a.example:443',
  lane: 'default',
  queuePosition: 12,
  attempts: 0,
  unknown: 0,
  isDisabled: false,
  scheduleStart: 0,
  waitedMs: 0,
  redeliveryId: null,
  request: {
    id: '0195a0c1-0000-7cc0-9f7e-3d0f2a9b1c55',
    account: '0195a0c1-1111-7cc0-9f7e-3d0f2a9b1c55',
    status: 'COMPLETED',
    queuePosition: 12,
    result: JSON.stringify(RESULT),
    error: null,
    completedAt: new Date('2026-03-01T12:00:00.120Z'),
  },
};
const FAILED: Partial<FinishedRequest> = { status: 'FAILED', result: null, error: 'No such period' };
const NOW = new Date('2026-03-01T12:00:03.999Z');
/** Returns its input as the signature. */
const SIGNER = {
  account: 'acme',
  signatures: (id: string, timestamp: string, body: Buffer) => `${id}|${timestamp}|${body.toString()}`,
};

function message(change: Partial<FinishedRequest> = {}, attemptNumber = 1, now = NOW) {
  const request = { ...DELIVERY.request, ...change };
  const { body, headers } = callbackMessage({ ...DELIVERY, request }, attemptNumber, now, SIGNER);
  return { body: JSON.parse(body.toString()) as unknown, bytes: body, headers };
}

describe('callbackMessage', () => {
  it('contains the finished request and the fields of its result', () => {
    expect(message().body).toEqual({
      type: 'report.completed',
      timestamp: '2026-03-01T12:00:00.120Z',
      account: 'acme',
      request_id: DELIVERY.requestId,
      status: 'completed',
      queue_position: 12,
      ...RESULT,
    });
  });

  it.each(['{}', null])('has no further fields for a result of %s', (result) => {
    expect(Object.keys(message({ result }).body as object)).toEqual([
      'type',
      'timestamp',
      'account',
      'request_id',
      'status',
      'queue_position',
    ]);
  });

  it('contains the reason for a failure', () => {
    expect(message(FAILED).body).toEqual({
      type: 'report.failed',
      timestamp: '2026-03-01T12:00:00.120Z',
      account: 'acme',
      request_id: DELIVERY.requestId,
      status: 'failed',
      queue_position: 12,
      error: 'No such period',
    });
  });

  it('matches the API description', () => {
    for (const change of [{}, FAILED, { queuePosition: null }]) {
      expect(callbackBody.safeParse(message(change).body).error).toBeUndefined();
    }
  });

  it('has no queue position for a sync request', () => {
    expect(message({ queuePosition: null }).body).toMatchObject({ queue_position: null });
  });

  it('has the same UTF-8 bytes and the same id in every attempt', () => {
    const first = message();
    const later = message({}, 3, new Date('2026-03-01T13:00:00.000Z'));
    expect(later.bytes).toEqual(first.bytes);
    expect(first.bytes.toString('utf8')).toContain('Übersicht');
    expect(later.headers['webhook-id']).toBe(first.headers['webhook-id']);
  });

  it('has the number and time of the attempt in its headers', () => {
    expect(message().headers).toEqual({
      Accept: '*/*',
      'Content-Type': 'application/json',
      'User-Agent': 'Daybook (callbacks)',
      'webhook-id': `msg_${DELIVERY.id}`,
      'webhook-timestamp': '1772366403',
      'webhook-signature': `msg_${DELIVERY.id}|1772366403|${message().bytes.toString()}`,
      'x-request-id': DELIVERY.requestId,
      'x-attempt-number': '1',
    });
    expect(message({}, 4, new Date('2026-03-01T12:00:04.000Z')).headers).toMatchObject({
      'webhook-timestamp': '1772366404',
      'x-attempt-number': '4',
    });
  });
});
