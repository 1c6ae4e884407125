/**
 * Receivers on this host that callbacks may call for a time, although the guard refuses the host's own addresses. A port:
 * `benchmark/` implements it for the receiver of the load test in progress.
 */
export abstract class OpenedReceivers {
  /** Must be awaited before {@link isReceiver}. Reads nothing unless the URL has the form of such a receiver. */
  abstract lookUp(url: string): Promise<void>;

  /** Whether an opened receiver has registered the URL. */
  abstract isReceiver(url: URL): boolean;

  /** Whether an opened receiver has this scheme, host and port. */
  abstract isReceiverOrigin(url: URL): boolean;
}
