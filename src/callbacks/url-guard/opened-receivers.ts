/**
 * Receivers on this host that are opened for a while, although the guard refuses its host's own addresses: that of the load
 * test in progress. Implemented by `benchmark/`.
 */
export abstract class OpenedReceivers {
  /** To be awaited before {@link isReceiver} is asked about a URL. Costs nothing for a URL that no such receiver has. */
  abstract lookUp(url: string): Promise<void>;

  /** Whether the URL is one that an opened receiver registered. */
  abstract isReceiver(url: URL): boolean;

  /** Whether an opened receiver has this scheme, host and port. */
  abstract isReceiverOrigin(url: URL): boolean;
}
