import { Injectable, Optional } from '@nestjs/common';
import { DaybookError } from '../../platform/errors.js';

/** Too many bytes of request bodies are in flight. The request had no effect and can be retried. */
export class BodiesBusy extends DaybookError {
  readonly code = 'overloaded';
  override readonly retryAfterS = 1;
  override readonly message = 'Too many large requests are being received. Nothing was accepted.';
}

/** Bytes of all bodies that a process receives at the same time. */
const TOTAL_BYTES = 32 * 1024 * 1024;
/** A caller's part of them, so that one caller cannot use up the memory of all. */
const CALLER_BYTES = TOTAL_BYTES / 4;
/** Time that a body waits, unread, for memory. */
const WAIT_MS = 2_000;

interface Limits {
  totalBytes: number;
  callerBytes: number;
  waitMs: number;
}

const LIMITS: Limits = { totalBytes: TOTAL_BYTES, callerBytes: CALLER_BYTES, waitMs: WAIT_MS };

/** The memory of one body. It starts empty. */
export interface BodyLease {
  /** @returns True, or a promise that waits for memory and rejects with {@link BodiesBusy}. */
  grow(bytes: number): true | Promise<void>;
  /** Returns all memory. Call it exactly once. */
  release(): void;
}

interface Waiter {
  caller: string;
  bytes: number;
  admit: () => void;
}

/** Bounds the bytes of request bodies in flight, for the process and for each caller. Waiters are served in order. */
@Injectable()
export class BodyMemory {
  private usedBytes = 0;
  private readonly callers = new Map<string, number>();
  private readonly waiters = new Set<Waiter>();

  /** @param limits Other limits for tests. */
  constructor(@Optional() private readonly limits: Limits = LIMITS) {}

  /** @param caller The id that the caller's part is counted by. */
  lease(caller: string): BodyLease {
    let heldBytes = 0;
    let isReleased = false;
    return {
      grow: (bytes) => {
        if (this.fits(caller, bytes)) {
          this.add(caller, bytes);
          heldBytes += bytes;
          return true;
        }
        return this.wait(caller, bytes, () => {
          if (isReleased) this.add(caller, -bytes);
          else heldBytes += bytes;
        });
      },
      release: () => {
        isReleased = true;
        this.add(caller, -heldBytes);
        this.serveWaiters();
      },
    };
  }

  private fits(caller: string, bytes: number): boolean {
    const { totalBytes, callerBytes } = this.limits;
    return this.usedBytes + bytes <= totalBytes && (this.callers.get(caller) ?? 0) + bytes <= callerBytes;
  }

  private add(caller: string, bytes: number): void {
    this.usedBytes += bytes;
    const ofCaller = (this.callers.get(caller) ?? 0) + bytes;
    if (ofCaller > 0) this.callers.set(caller, ofCaller);
    else this.callers.delete(caller);
  }

  private wait(caller: string, bytes: number, granted: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        caller,
        bytes,
        admit: () => {
          clearTimeout(timer);
          this.add(caller, bytes);
          granted();
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(new BodiesBusy());
      }, this.limits.waitMs);
      this.waiters.add(waiter);
    });
  }

  private serveWaiters(): void {
    for (const waiter of this.waiters) {
      if (!this.fits(waiter.caller, waiter.bytes)) continue;
      this.waiters.delete(waiter);
      waiter.admit();
    }
  }
}
