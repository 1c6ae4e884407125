import { useEffect, useReducer, useState } from 'react';
import type { paths } from './schema.generated';

export type LiveRequest =
  paths['/api/requests']['get']['responses'][200]['content']['application/json']['requests'][number];
export type LiveLane = paths['/api/lanes']['get']['responses'][200]['content']['application/json']['lanes'][number];

/** What `/api/live` shows: the newest requests of a filter, newest first, and the lanes. */
export interface LiveState {
  version: number;
  requests: LiveRequest[];
  lanes: LiveLane[];
}

export interface LiveEvent {
  version: number;
  requests: LiveRequest[];
  lanes: LiveLane[];
  removed?: { requests: string[]; lanes: string[] };
}

/** @returns The state after an event. Without `removed` the event is the whole state. */
export function after(state: LiveState | null, event: LiveEvent): LiveState {
  const { version, removed } = event;
  if (state === null || !removed) return sorted(version, event.requests, event.lanes);
  const requests = merged(state.requests, event.requests, removed.requests, ({ id }) => id);
  const lanes = merged(state.lanes, event.lanes, removed.lanes, ({ lane }) => lane);
  return sorted(version, requests, lanes);
}

function merged<Row>(old: Row[], changed: Row[], removed: string[], keyOf: (row: Row) => string): Row[] {
  const rows = new Map([...old, ...changed].map((row) => [keyOf(row), row]));
  for (const key of removed) rows.delete(key);
  return [...rows.values()];
}

/** Ids are time-ordered. */
function sorted(version: number, requests: LiveRequest[], lanes: LiveLane[]): LiveState {
  return {
    version,
    requests: requests.toSorted((a, b) => (a.id < b.id ? 1 : -1)),
    lanes: lanes.toSorted((a, b) => (a.lane < b.lane ? -1 : 1)),
  };
}

/** Until a lost stream is opened again; and one that the service refused because it has enough of them. */
const LOST_MS = 750;
const REFUSED_MS = 5_000;

/**
 * Shows a live view of requests and lanes. Pauses while the tab is hidden; after a reconnect the state comes again.
 * @param query The filter of the list of requests.
 * @returns The state, null before the first event; the time of the last event; and whether the stream is open.
 */
export function useLive(query: Record<string, string | number | undefined>): {
  state: LiveState | null;
  receivedAtMs: number;
  isConnected: boolean;
} {
  const [{ state, receivedAtMs }, apply] = useReducer(received, NOTHING);
  const [isConnected, setConnected] = useState(false);
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  ).toString();
  useEffect(() => listen(`/api/live?${parameters}`, apply, setConnected), [parameters]);
  return { state, receivedAtMs, isConnected };
}

const NOTHING: { state: LiveState | null; receivedAtMs: number } = { state: null, receivedAtMs: 0 };

function received({ state }: typeof NOTHING, event: LiveEvent): typeof NOTHING {
  return { state: after(state, event), receivedAtMs: Date.now() };
}

function listen(
  url: string,
  onEvent: (event: LiveEvent) => void,
  onConnected: (isConnected: boolean) => void,
): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const receive = ({ data }: MessageEvent<string>): void => onEvent(JSON.parse(data) as LiveEvent);
  function open(): void {
    close();
    if (document.hidden) return;
    source = new EventSource(url);
    source.addEventListener('state', receive);
    source.addEventListener('change', receive);
    source.addEventListener('open', () => onConnected(true));
    source.addEventListener('error', () => {
      onConnected(false);
      // A refused stream is closed for good. A lost one would connect again by itself, but later.
      const isRefused = source?.readyState === EventSource.CLOSED;
      source?.close();
      clearTimeout(timer);
      timer = setTimeout(open, isRefused ? REFUSED_MS : LOST_MS);
    });
  }
  function close(): void {
    clearTimeout(timer);
    source?.close();
    source = null;
    onConnected(false);
  }
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    document.removeEventListener('visibilitychange', open);
    close();
  };
}
