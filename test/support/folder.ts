import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A fresh folder inside the folder of the run, which goes when the run ends, and with it whatever server still has a
 * pid file there. Open to enter by default: as root, an embedded Postgres runs under another user.
 */
export async function temporaryFolder(mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER!, 'test-'));
  await chmod(folder, mode);
  return folder;
}
