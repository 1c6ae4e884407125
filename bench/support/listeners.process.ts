import { Pool } from 'undici';

/**
 * Reads event streams and throws them away, in a process of its own. Says `open` when all are. Arguments: the service's URL, the
 * path, the number of streams.
 */
const [url, path, count] = process.argv.slice(2) as [string, string, string];
const pool = new Pool(url, { connections: Number(count), bodyTimeout: 0 });

async function listen(): Promise<void> {
  const { statusCode, body } = await pool.request({ path, method: 'GET' });
  if (statusCode !== 200) throw new Error(`${path}: ${statusCode}`);
  body.on('error', () => process.exit(1)).resume();
}

await Promise.all(Array.from({ length: Number(count) }, listen));
process.send?.('open');
process.on('disconnect', () => process.exit());
