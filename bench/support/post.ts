import { request } from 'undici';

/** Sends one POST with a JSON body. @throws Error unless the status is 2xx. */
export async function post(url: string, body?: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url, { method: 'POST', headers, body: body && JSON.stringify(body) });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${url}: ${answer.statusCode} ${text}`);
}
