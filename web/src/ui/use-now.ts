import { useEffect, useState } from 'react';

/** @returns The time of the browser in milliseconds, read again at this interval. */
export function useNow(intervalMs: number): number {
  const [nowMs, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return nowMs;
}
