import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Creates a folder inside the folder of the run. The end of the run deletes it and ends the servers with pid files in
 * it. The default mode lets other users enter, because Postgres cannot run as root and uses another user.
 */
export async function temporaryFolder(mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER!, 'test-'));
  await chmod(folder, mode);
  return folder;
}
