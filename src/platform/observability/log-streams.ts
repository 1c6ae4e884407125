/**
 * Keeps the process going when its log cannot be written: a closed pipe emits an error, and a full disk throws from `write`.
 * The line is lost; the next one is tried again.
 */
export function tolerateLogErrors(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => undefined);
    const write = stream.write.bind(stream) as (...parts: unknown[]) => boolean;
    stream.write = (...parts: unknown[]): boolean => {
      try {
        return write(...parts);
      } catch {
        return false;
      }
    };
  }
}
