import type { Socket } from 'node:net';

/** The stages of one connection. Times are in milliseconds; null for a stage that was not needed or did not end. */
export class Dial {
  /** The address that was connected, or else tried last. */
  address: string | null = null;
  dnsMs: number | null = null;
  connectMs: number | null = null;
  tlsMs: number | null = null;
  /** Nothing was sent to the receiver yet: its name is still being resolved. */
  isResolving = true;
  private stageBegan = performance.now();
  private isReported = false;

  /**
   * Measures the stages by the socket's events. Its listeners run before those of undici, which writes the request in its
   * listener: that time does not belong to the connection.
   */
  follow(socket: Socket): void {
    socket
      .on('connectionAttempt', (address: string) => (this.address = address))
      .prependOnceListener('connect', () => {
        this.connectMs = this.endStage();
        this.address = socket.remoteAddress ?? this.address;
      });
    this.followTls(socket);
  }

  /** Measures TLS over an established connection. */
  followTls(socket: Socket): void {
    socket.prependOnceListener('secureConnect', () => (this.tlsMs = this.endStage()));
  }

  /** The name was resolved, unless the URL has an address. */
  resolved(isName: boolean): void {
    this.isResolving = false;
    if (isName) this.dnsMs = this.endStage();
  }

  /** Ends a stage. @returns Its duration in milliseconds. */
  endStage(): number {
    const beganAt = this.stageBegan;
    this.stageBegan = performance.now();
    return this.stageBegan - beganAt;
  }

  /** @returns True on the first call: the times of a connection belong to the attempt that opened it. */
  report(): boolean {
    const isFirst = !this.isReported;
    this.isReported = true;
    return isFirst;
  }
}
