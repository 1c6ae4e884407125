import { ConfigError, readConfig } from '../../platform/config/config.js';
import { DaybookError, StartError } from '../../platform/errors.js';
import type { Moved } from '../../reports/storage/move/move-results.js';
import { type Command, UsageError, parseOptions } from '../command.js';
import { progressBar } from '../progress-bar.js';

const USAGE = `Usage: daybook storage move [--remove]

Copies the report files in DATA_DIR to the bucket of S3_BUCKET, while the service works. Each copy is read back and compared
with its file by size and SHA-256. It may be interrupted and repeated: files that the bucket has are not copied again.

  --remove      also deletes each file from the disk, after its copy was compared with it; needs STORAGE=s3

Every file stays readable in this order of steps:

  1. Set S3_BUCKET and the other S3_ settings, leave STORAGE=disk, and restart every process. All now read both places.
  2. daybook storage move: copies what there is.
  3. Set STORAGE=s3, and restart every process. New files go to the bucket; old ones are read from the disk or the bucket.
  4. daybook storage move --remove: copies what was written since step 2, and empties the disk.

Run it with the settings and as the user of the service, on a machine that has DATA_DIR. It shows its progress on standard error.
Exit code: 0 done, 1 it cannot be done or files differ, 2 the command is not valid.`;

const OPTIONS = { remove: { type: 'boolean', default: false } } as const;
const MB = 1024 ** 2;
const SHOWN = 10;

async function run([command, ...args]: string[]): Promise<number> {
  if (command !== 'move')
    throw new UsageError(command ? `There is no command ${command}` : 'The command move is missing');
  const { remove } = parseOptions({ args, options: OPTIONS }).values;
  const config = readConfig();
  if (config.S3_BUCKET === undefined)
    throw new ConfigError('S3_BUCKET is not set: there is no bucket to move files to');
  if (remove && config.STORAGE !== 's3')
    throw new ConfigError('--remove needs STORAGE=s3 here and in every process, or they would write to the disk again');
  // Loaded after the arguments are checked: the SDK takes a while.
  const { openDisk, resultsFolder } = await import('../../reports/storage/open-storage.js');
  const { openBucket } = await import('../../reports/storage/s3/open-bucket.js');
  const { moveResults } = await import('../../reports/storage/move/move-results.js');
  const bucket = await openBucket(config, (fault) => {
    throw new StartError(fault);
  });
  let progress = progressBar(0, 'files', process.stderr);
  let moved: Moved;
  try {
    moved = await moveResults(resultsFolder(config), openDisk(config), bucket, {
      remove,
      begin: (files) => (progress = progressBar(files, 'files', process.stderr)),
      done: () => progress.add(1),
    });
  } finally {
    progress.end();
    bucket.close();
  }
  report(moved);
  return moved.different.length === 0 ? 0 : 1;
}

function report({ files, copied, copiedBytes, removed, different }: Moved): void {
  const shown = [files, copied, removed].map((count) => count.toLocaleString('en'));
  const bytes = (copiedBytes / MB).toFixed(1);
  console.log(`${shown[0]} files on the disk, ${shown[1]} copied (${bytes} MB), ${shown[2]} removed from the disk`);
  for (const key of different.slice(0, SHOWN))
    console.error(`${key} differs from its object in the bucket and is left`);
  if (different.length > SHOWN) console.error(`… and ${different.length - SHOWN} more`);
}

const FAILURES = [ConfigError, StartError, DaybookError];

export const storage: Command = {
  name: 'storage',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (FAILURES.some((failure) => error instanceof failure) ? 1 : undefined),
};
