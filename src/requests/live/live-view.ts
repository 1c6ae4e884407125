/** One entry of a view. */
export interface LiveEntry {
  json: string;
  /** Differs when something has happened to the entry. It leaves out fields that change with the time alone. */
  mark: string;
}

/** The content of a view at one time, in the order in which it is shown. */
export interface LiveState {
  /** By request id. */
  requests: Map<string, LiveEntry>;
  /** By name. */
  lanes: Map<string, LiveEntry>;
}

/** Its data is JSON. */
export interface LiveEvent {
  type: 'state' | 'change';
  data: string;
}

/** Removals that are remembered. A listener that is further behind gets the whole state again. */
const MAX_REMOVALS = 1_000;

/** The entries of one kind, each with the version in which it changed last. */
class Versioned {
  private entries = new Map<string, LiveEntry & { version: number }>();
  private readonly removals = new Map<string, number>();
  /** The oldest version from which all changes are known. */
  private knownSince = 0;

  /** @returns Whether `state` differs from the one before. */
  update(state: Map<string, LiveEntry>, version: number): boolean {
    const before = this.entries;
    let isChanged = false;
    this.entries = new Map();
    for (const [key, entry] of state) {
      const known = before.get(key);
      const isSame = known?.mark === entry.mark;
      this.entries.set(key, { ...entry, version: isSame ? known.version : version });
      this.removals.delete(key);
      if (!isSame) isChanged = true;
    }
    for (const key of before.keys()) {
      if (state.has(key)) continue;
      this.removals.set(key, version);
      isChanged = true;
    }
    this.forgetRemovals();
    return isChanged;
  }

  knows(version: number): boolean {
    return version >= this.knownSince;
  }

  /** @returns A JSON array of the entries that changed after a version. */
  changed(version: number): string {
    const jsons = [...this.entries.values()].filter((entry) => entry.version > version).map(({ json }) => json);
    return `[${jsons.join()}]`;
  }

  /** @returns A JSON array of the keys that were removed after a version. */
  removed(version: number): string {
    return JSON.stringify([...this.removals].filter(([, at]) => at > version).map(([key]) => key));
  }

  private forgetRemovals(): void {
    for (const [key, version] of this.removals) {
      if (this.removals.size <= MAX_REMOVALS) return;
      this.removals.delete(key);
      this.knownSince = version;
    }
  }
}

/** The state of a view with its recent changes, so that each listener gets what changed since its last event. */
export class LiveView {
  private readonly requests = new Versioned();
  private readonly lanes = new Versioned();
  private current = 0;
  /** Events of the current version, by the version that a listener has. Listeners of a view share them. */
  private readonly events = new Map<number, LiveEvent>();

  /** 0 before the first state. */
  get version(): number {
    return this.current;
  }

  /**
   * @param nowMs Versions are at least the time, so that they grow over a restart too.
   * @returns Whether the state has changed.
   */
  update(state: LiveState, nowMs: number): boolean {
    const version = Math.max(this.current + 1, nowMs);
    const hasRequests = this.requests.update(state.requests, version);
    const hasLanes = this.lanes.update(state.lanes, version);
    if (this.current > 0 && !hasRequests && !hasLanes) return false;
    this.current = version;
    this.events.clear();
    return true;
  }

  /**
   * @param known The version that the listener has; 0 for none.
   * @returns A `state` event with everything, or a `change` event with what has changed since.
   */
  since(known: number): LiveEvent {
    const isWhole = known === 0 || !this.requests.knows(known) || !this.lanes.knows(known);
    const from = isWhole ? 0 : known;
    const shared = this.events.get(from);
    if (shared) return shared;
    const changes = `"version":${this.current},"requests":${this.requests.changed(from)},"lanes":${this.lanes.changed(from)}`;
    const removals = `"removed":{"requests":${this.requests.removed(from)},"lanes":${this.lanes.removed(from)}}`;
    const event: LiveEvent = isWhole
      ? { type: 'state', data: `{${changes}}` }
      : { type: 'change', data: `{${changes},${removals}}` };
    this.events.set(from, event);
    return event;
  }
}
