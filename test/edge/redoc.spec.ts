import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';

/** Of `bundles/redoc.standalone.js` in redoc 2.5.4 of npm. */
const SHA256 = 'dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b';

it('/redoc shows the API without a key, and loads nothing from another host', async () => {
  const daybook = await startDaybook({ env: { AUTH: 'required' } });
  const page = await get(daybook, '/redoc');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  expect(page.headers.get('content-security-policy')).toMatch(
    /default-src 'self';script-src 'self';.*;worker-src blob:$/,
  );
  const sources = [...page.text.matchAll(/(?:src|spec-url)="([^"]+)"/g)].map(([, source]) => source!);
  expect(sources).toEqual(['/openapi.json', '/redoc/redoc.standalone.js']);
  for (const source of sources) expect([source, (await get(daybook, source)).status]).toEqual([source, 200]);
  const bundle = await get(daybook, '/redoc/redoc.standalone.js');
  expect(bundle.headers.get('content-type')).toMatch(/javascript/);
  expect(createHash('sha256').update(bundle.text).digest('hex')).toBe(SHA256);
  // Without the second header, fetch sends `no-cache` with a condition.
  const unchanged = { 'If-Modified-Since': bundle.headers.get('last-modified')!, 'Cache-Control': 'max-age=0' };
  const again = await get(daybook, '/redoc/redoc.standalone.js', unchanged);
  expect(again.status).toBe(304);
});
