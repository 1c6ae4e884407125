/** A large file is imported in constant memory. An interrupted import leaves whole batches. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { CSV, HEADER, PAID, importClient } from './import-fixture.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REQUEST_TIMEOUT: '1s' } });
});

const { send, importOf, newest, upload, expectSoundBooks, countOf } = importClient(() => daybook);

const ORDERS = 50_000;

/** The lines of a large file, one after the other. */
function* orderLines(prefix: string, count: number): Generator<string> {
  yield `${HEADER}\r\n`;
  for (let n = 0; n < count; n++) {
    const status = n % 3 === 0 ? 'draft' : 'paid';
    const paidAt = status === 'paid' ? PAID : '';
    yield `${prefix}${n},c${n % 500}@large.example,,,,${status},${paidAt},A-${n % 40},${1 + (n % 5)},${n % 1000}\r\n`;
  }
}

async function rssMib({ pid }: Daybook): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

describe('a large file', () => {
  it('is imported in constant memory while its progress is visible, longer than REQUEST_TIMEOUT', async () => {
    const before = await rssMib(daybook);
    const { request, reply } = upload();
    let isDone = false;
    let peak = 0;
    const progress = new Set<number>();
    const watching = (async () => {
      while (!isDone) {
        peak = Math.max(peak, await rssMib(daybook));
        progress.add((await newest()).created);
      }
    })();
    // The item that makes this file some 80 MiB: the service must not keep what it has read.
    const filler = `x,${'y'.repeat(8_000)}\r\n`;
    const all = function* (): Generator<string> {
      let n = 0;
      for (const line of orderLines('large-', ORDERS)) yield ++n % 5 === 0 && n > 1 ? line + filler : line;
    };
    Readable.from(all()).pipe(request);
    const answer = (await reply) as { status: number; text: string };
    isDone = true;
    await watching;
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ created: ORDERS, duplicates: 0, failed: ORDERS / 5 });
    expect(progress.size).toBeGreaterThan(3);
    expect(peak - before).toBeLessThan(250);
    const errors = await get(daybook, JSON.parse(answer.text).errors_url);
    expect(errors.text.trimEnd().split('\r\n')).toHaveLength(1 + 10_000 + 1);
    await expectSoundBooks();
  }, 300_000);

  it('leaves whole batches when the connection drops, and a resend imports the rest', async () => {
    const { request, reply } = upload();
    const text = [...orderLines('drop-', 2_500)].join('');
    request.write(text.slice(0, text.length - 10));
    await eventually(async () => (await countOf('drop-')) === 2_000);
    const { id } = await newest();
    request.destroy();
    expect(await reply).toHaveProperty('message');
    await eventually(async () => (await importOf(id)).status === 'interrupted');
    expect(await importOf(id)).toMatchObject({ rows: 2_000, created: 2_000 });
    expect(await countOf('drop-')).toBe(2_000);
    await eventually(
      async () => (await get(daybook, '/api/actions?action=order.import&limit=1')).json.actions[0].outcome === 'failed',
    );
    expect((await send(text)).json).toMatchObject({ rows: 2_500, created: 500, duplicates: 2_000, failed: 0 });
    await expectSoundBooks();
  });

  it('is ended with 408 if its sender stalls', async () => {
    const service = await startDaybook({ env: { ...UNLIMITED, IMPORT_IDLE_TIMEOUT: '2s' } });
    const { request, reply } = upload(service);
    request.write([...orderLines('stall-', 1_500)].join(''));
    const answer = (await reply) as { status: number; text: string };
    expect(answer.status).toBe(408);
    expect(await newest(service)).toMatchObject({ status: 'interrupted', created: 1_000 });
  });

  it('creates each order once if it is sent twice at the same time', async () => {
    const text = [...orderLines('twice-', 3_000)].join('');
    const replies = await Promise.all([send(text), send(text)]);
    for (const { json } of replies) expect(json).toMatchObject({ rows: 3_000, failed: 0 });
    expect(replies[0].json.created + replies[1].json.created).toBe(3_000);
    expect(replies[0].json.duplicates + replies[1].json.duplicates).toBe(3_000);
    expect(await countOf('twice-')).toBe(3_000);
    await expectSoundBooks();
  });

  it('continues after kill -9 when it is sent again, with each order once in the books', async () => {
    const first = await startDaybook({ env: UNLIMITED });
    const { request } = upload(first);
    const text = [...orderLines('kill-', 5_000)].join('');
    request.write(text);
    await eventually(async () => (await countOf('kill-', first)) >= 1_000);
    first.kill();
    await first.exited;
    const second = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL: first.databaseUrl } });
    const { id } = await newest(second);
    expect((await importOf(id, second)).status).toBe('running');
    await sql(second, `UPDATE order_imports SET heartbeat_at = heartbeat_at - interval '1 minute'`);
    expect(await importOf(id, second)).toMatchObject({ status: 'interrupted', finished_at: expect.any(String) });
    const kept = await countOf('kill-', second);
    expect(kept % 1_000).toBe(0);
    const { json } = await send(text, CSV, second);
    expect(json).toMatchObject({ rows: 5_000, created: 5_000 - kept, duplicates: kept, failed: 0 });
    await expectSoundBooks(second);
  });

  it('ends after its batch when the service stops', async () => {
    const service = await startDaybook({ env: UNLIMITED });
    const { request, reply } = upload(service);
    request.write([...orderLines('stop-', 1_500)].join(''));
    await eventually(async () => (await countOf('stop-', service)) === 1_000);
    service.kill('SIGTERM');
    expect(await reply).toMatchObject({ status: 503 });
    expect(await service.exited).toBe(0);
    const rows = await sql(service, `SELECT status, created::integer FROM order_imports`);
    expect(rows).toEqual([{ status: 'interrupted', created: 1_000 }]);
  });
});
