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

const RECONNECT_MS = 2_000;

/**
 * Shows a live view of requests and lanes. Pauses while the tab is hidden; after a reconnect the state comes again.
 * @param query The filter of the list of requests.
 * @returns The state, null before the first event; and whether the stream is open.
 */
export function useLive(query: Record<string, string | number | undefined>): {
  state: LiveState | null;
  isConnected: boolean;
} {
  const [state, apply] = useReducer(after, null);
  const [isConnected, setConnected] = useState(false);
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  ).toString();
  useEffect(() => listen(`/api/live?${parameters}`, apply, setConnected), [parameters]);
  return { state, isConnected };
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
      // A refused stream is closed for good, a lost one connects again by itself.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, RECONNECT_MS);
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
