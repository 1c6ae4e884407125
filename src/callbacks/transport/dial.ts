import type { Socket } from 'node:net';

/** How one connection came about. Times are milliseconds; null for a stage that did not happen, or did not end. */
export class Dial {
  /** The one that answered, or was tried last. */
  address: string | null = null;
  dnsMs: number | null = null;
  connectMs: number | null = null;
  tlsMs: number | null = null;
  private stageBegan = performance.now();
  private isReported = false;

  /**
   * Takes its figures from the socket's own events: a few closures a connection, none an attempt. Before whoever listens
   * already: undici writes the request when it hears of a connection, and that time is not the connection's.
   */
  follow(socket: Socket): void {
    socket
      .once('lookup', (error: Error | null) => {
        if (!error) this.dnsMs = this.endStage();
      })
      .on('connectionAttempt', (address: string) => (this.address = address))
      .prependOnceListener('connect', () => {
        this.connectMs = this.endStage();
        this.address = socket.remoteAddress ?? this.address;
      });
    this.followTls(socket);
  }

  /** The same for TLS over a connection that stands. */
  followTls(socket: Socket): void {
    socket.prependOnceListener('secureConnect', () => (this.tlsMs = this.endStage()));
  }

  /** Milliseconds since the stage before ended. */
  endStage(): number {
    const beganAt = this.stageBegan;
    this.stageBegan = performance.now();
    return this.stageBegan - beganAt;
  }

  /** True for the first who asks: a connection's times belong to the attempt that it was made for. */
  report(): boolean {
    const isFirst = !this.isReported;
    this.isReported = true;
    return isFirst;
  }
}
