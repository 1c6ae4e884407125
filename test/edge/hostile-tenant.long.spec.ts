/** Requests of one account are accepted, started and delivered in time while another account attacks. */
import { type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { forkProgram } from '../../bench/support/fork.js';
import { get, post } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const ATTACK_MS = 20_000;
const EVERY_MS = 200;
const TEST_TIMEOUT_MS = 120_000;

const programs: ChildProcess[] = [];
afterEach(() => programs.splice(0).forEach((program) => program.kill('SIGKILL')));

it(
  'bad and dripping receivers, unknown names, paused, slow and new lanes, large files, pings and redeliveries at once',
  async () => {
    const env = { ...UNLIMITED, AUTH: 'required', MAX_PENDING: '1000', RATE_LIMIT_BATCH: 'off' };
    const [daybook, receiver] = await Promise.all([startDaybook({ env }), startReceiver()]);
    receiver.answerWith(({ path }) => (path === '/good' ? {} : path === '/bad' ? { status: 500 } : 'silence'));
    const quiet = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'quiet' });
    const hostile = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'hostile' });
    programs.push(forkProgram('hostile.process', [daybook.url, receiver.url, hostile.key]));
    await eventually(async () => (await sql(daybook, 'SELECT FROM requests LIMIT 1000')).length === 1_000);

    const ids: string[] = [];
    for (const endMs = performance.now() + ATTACK_MS; performance.now() < endMs;) {
      const body = {
        report: 'digest',
        input_data: 'quiet',
        lane: `lane-${ids.length % 4}`,
        callback_url: `${receiver.url}/good`,
      };
      const { status, json } = await post(daybook, '/api/async', body, quiet.headers);
      expect({ status, json }).toMatchObject({ status: 202 });
      ids.push((json as { request_id: string }).request_id);
      await sleep(EVERY_MS);
    }
    // Delivered during the attack.
    for (const id of ids) {
      const request = await eventually(async () => {
        const { json } = await get(daybook, `/api/requests/${id}`, quiet.headers);
        return (json as { callback_status: string | null }).callback_status !== 'PENDING' && json;
      });
      expect(request).toMatchObject({ status: 'COMPLETED', callback_status: 'SUCCESS', callback_attempts: 1 });
    }
  },
  TEST_TIMEOUT_MS,
);
