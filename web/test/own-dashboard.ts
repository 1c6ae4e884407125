import { startOwnService } from '../../src/benchmark/cli/own-service.js';
import { withDatabase } from '../../bench/support/servers.js';

/** Runs `work` with the URL of a new service that has demo data, which is stopped and deleted afterwards. */
export function withDashboard(work: (url: string) => Promise<void>): Promise<void> {
  return withDatabase(async ({ url: DATABASE_URL }) => {
    const service = await startOwnService({ DATABASE_URL });
    try {
      await addDemoData(service.url);
      await work(service.url);
    } finally {
      await service.stop();
    }
  });
}

async function addDemoData(url: string): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const { ok, status } = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!ok) throw new Error(`POST ${path} was answered ${status}`);
  };
  await post('/api/dev/seed', {});
  const callback_url = `${url}/api/callbacks/receive`;
  for (const [lane, report_name] of [
    ['nightly', 'Sales'],
    ['nightly', 'Refunds'],
    ['payouts', 'Payouts'],
    ['default', 'Fees'],
  ]) {
    const payload = { num_transactions: 2_000, report_name };
    await post('/api/async', { report: 'transactions', payload, lane, callback_url });
  }
  await post('/api/sync', { report: 'digest', payload: { input_data: 'Daybook', iterations: 200_000 } });
}
