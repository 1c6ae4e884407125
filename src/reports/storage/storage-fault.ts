/** Errors of the file system that say nothing about the report and may pass: what to tell an operator, in a line. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'the folder may not be written to',
  EPERM: 'the folder may not be written to',
  EROFS: 'the disk is read-only',
  ENOENT: 'the file or its folder is missing',
  ENOTDIR: 'a part of the path is not a folder',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** Why the storage of report files cannot be used, or null when the error is of another kind. */
export function storageFault(error: unknown): string | null {
  // `syscall` tells the system's own errors from others that happen to have a code.
  if (typeof error !== 'object' || error === null || !('syscall' in error) || !('code' in error)) return null;
  const fault = FAULTS[String(error.code)];
  return fault === undefined ? null : `Report files cannot be stored: ${fault} (${String(error.code)})`;
}
