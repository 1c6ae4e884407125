import { expect, it } from 'vitest';
import { type Received, verdictOf } from './signature';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const PUBLIC_KEY = 'whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=';
/** Of the library `standardwebhooks` with `SECRET`. */
const V1 = 'v1,/hWZdGkryEzDYZNNraJGBoZV1jJqR7tVzZKg0JJHoYM=';
/** Of OpenSSL with the private key of `PUBLIC_KEY`. */
const V1A = 'v1a,guN69SAqftqLL5ITGuIZY9cY/yvXspR4P28n1FH650PFNYwuIa1narUA/ljskHT300DnGHaEZxpRnGAHjwaRBQ==';

const body = { type: 'report.completed', request_id: '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55', queue_position: 42 };

function received(signature: string | undefined, more: Partial<Received> = {}): Received {
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1772366400' };
  return {
    headers: signature === undefined ? headers : { ...headers, 'webhook-signature': signature },
    body,
    received_at: '2026-03-01T12:00:00.000Z',
    ...more,
  };
}

it.each([
  ['v1 with the secret', V1, { secrets: [SECRET], publicKeys: [] }, 'valid'],
  ['v1 with an older secret', V1, { secrets: [OTHER, SECRET], publicKeys: [] }, 'valid'],
  ['v1 with another secret', V1, { secrets: [OTHER], publicKeys: [] }, 'invalid'],
  ['v1a with the public key', V1A, { secrets: [], publicKeys: [PUBLIC_KEY] }, 'valid'],
  ['both, of which one matches', `${V1A} ${V1}`, { secrets: [SECRET], publicKeys: [] }, 'valid'],
  ['an unknown scheme', 'v9,AAAA', { secrets: [SECRET], publicKeys: [PUBLIC_KEY] }, 'invalid'],
  ['no base64', 'v1,?', { secrets: [SECRET], publicKeys: [] }, 'invalid'],
  ['none', undefined, { secrets: [SECRET], publicKeys: [] }, 'missing'],
])('a signature of %s has the right verdict', async (_, signature, keys, verdict) => {
  expect(await verdictOf(received(signature), keys)).toBe(verdict);
});

it('a changed body does not match', async () => {
  const changed = received(V1, { body: { ...body, queue_position: 43 } });
  expect(await verdictOf(changed, { secrets: [SECRET], publicKeys: [] })).toBe('invalid');
});
