import { Pool } from 'undici';

export interface Acknowledgement {
  request_id: string;
  queue_position: number;
  jobs_ahead: number;
  lane: string;
}

/** Settings without rate limits, and with callbacks to loopback allowed. */
export const UNLIMITED = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  RATE_LIMIT_BATCH: 'off',
  RATE_LIMIT_LOGIN: 'off',
  RATE_LIMIT_DEFAULT: 'off',
  MAX_PENDING: '100000',
  MAX_PENDING_ACCOUNT: '1000000',
  CALLBACK_ALLOW: '127.0.0.1/32',
};

/**
 * Submits `count` async requests over several connections and returns their acknowledgements.
 * @throws if one is not accepted.
 */
export async function submitAsync(
  url: string,
  count: number,
  body: (index: number) => object,
  connections = 32,
): Promise<Acknowledgement[]> {
  const pool = new Pool(url, { connections });
  const acknowledgements: Acknowledgement[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const response = await pool.request({
        path: '/api/async',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body(next++)),
      });
      const text = await response.body.text();
      if (response.statusCode !== 202) throw new Error(`Not accepted: ${response.statusCode} ${text}`);
      acknowledgements.push(JSON.parse(text) as Acknowledgement);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, client));
  } finally {
    await pool.close();
  }
  return acknowledgements;
}
