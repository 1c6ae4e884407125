/** System errors that are not the report's fault and may pass, as an operator reads them. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'the folder is not writable',
  EPERM: 'the folder is not writable',
  EROFS: 'the disk is read-only',
  ENOENT: 'the file or its folder is missing',
  ENOTDIR: 'a part of the path is not a folder',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** Returns why report files cannot be stored, or null if the error has another cause. */
export function storageFault(error: unknown): string | null {
  // Only system errors have `syscall`; others may have a code, too.
  if (typeof error !== 'object' || error === null || !('syscall' in error) || !('code' in error)) return null;
  const fault = FAULTS[String(error.code)];
  return fault === undefined ? null : `Report files cannot be stored: ${fault} (${String(error.code)})`;
}
