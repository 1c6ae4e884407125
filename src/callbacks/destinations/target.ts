/** A destination as one account sees it. Breakers, disabled URLs and concurrency limits are per target. */
export interface Target {
  /** The nil UUID for requests of an open installation. */
  accountId: string;
  /** scheme://host:port */
  destination: string;
}

/** @returns The key of a target in maps. */
export function targetKey({ accountId, destination }: Target): string {
  return `${accountId} ${destination}`;
}

/** @returns The two columns of targets, as parameters of `unnest`. */
export function targetColumns(targets: Target[]): [accountIds: string[], destinations: string[]] {
  return [targets.map(({ accountId }) => accountId), targets.map(({ destination }) => destination)];
}
