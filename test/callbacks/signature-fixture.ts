/** Secrets, rotations and signatures of callbacks, as verified by the official library of Standard Webhooks. */
import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { get, post } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import type { Receipt, Receiver } from '../support/receiver.js';
import { submitAsync, UNLIMITED } from '../support/submit.js';

export interface Secret {
  id: string;
  secret: string;
  created_at: string;
  expires_at: string | null;
}

export const ENV = { ...UNLIMITED, SWEEP_INTERVAL: '200ms' };
export const newSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

/** Whether the official library accepts a request. */
export function isAccepted(secret: string, { raw, headers }: Pick<Receipt, 'raw' | 'headers'>): boolean {
  try {
    new Webhook(secret).verify(raw, headers as Record<string, string>);
    return true;
  } catch (error) {
    expect(String(error)).toMatch('No matching signature found');
    return false;
  }
}

export const signaturesOf = ({ headers }: Receipt): string[] => String(headers['webhook-signature']).split(' ');

export async function secretsOf(daybook: Daybook): Promise<Secret[]> {
  return (await get(daybook, '/api/callback-secrets')).json.secrets;
}

/** Submits a report and returns its callback. */
export async function callbackOf(daybook: Daybook, receiver: Receiver): Promise<Receipt> {
  const body = () => ({ input_data: 'x', iterations: 1, callback_url: receiver.url });
  const [{ request_id } = { request_id: '' }] = await submitAsync(daybook.url, 1, body, 1);
  return eventually(() => receiver.received.find(({ json }) => json.request_id === request_id) ?? false);
}

export async function rotate(daybook: Daybook, body?: object): Promise<Secret[]> {
  const reply = await post(daybook, '/api/callback-secrets/rotate', body);
  expect(reply.status).toBe(200);
  return reply.json.secrets;
}
