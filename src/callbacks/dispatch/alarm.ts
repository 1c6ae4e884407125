/** It rings after so long in any case; what is not due yet is announced again then. */
const LONGEST_MS = 60_000;

/** Rings when the next thing is due: the earliest of all that were announced. Keeps no process alive. */
export class Alarm {
  private set: { dueAtMs: number; handle: NodeJS.Timeout } | undefined;
  private isOff = false;

  constructor(private readonly ring: () => void) {}

  setIn(ms: number): void {
    const inMs = Math.min(Math.max(0, ms), LONGEST_MS);
    const dueAtMs = performance.now() + inMs;
    if (this.isOff || (this.set && this.set.dueAtMs <= dueAtMs)) return;
    clearTimeout(this.set?.handle);
    const ring = (): void => {
      this.set = undefined;
      this.ring();
    };
    this.set = { dueAtMs, handle: setTimeout(ring, Math.ceil(inMs)).unref() };
  }

  /** It does not ring any more. */
  turnOff(): void {
    this.isOff = true;
    clearTimeout(this.set?.handle);
  }
}
