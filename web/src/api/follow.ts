import { useEffect, useState } from 'react';
import { api } from './client';
import type { components } from './schema.generated';

export type RequestDetail = components['schemas']['RequestDetail'];

const EVENTS = ['accepted', 'started', 'completed', 'failed', 'cancelled', 'attempt', 'end'] as const;
/** How often the number of requests before a waiting one is read. */
const WAITING_MS = 500;
/** How often a request is read without its events. */
const POLL_MS = 1_000;

/** Whether nothing follows: the request has ended, and so has its callback. */
export function isOver({ status, callback_status }: RequestDetail): boolean {
  return status !== 'PENDING' && status !== 'PROCESSING' && callback_status !== 'PENDING';
}

/**
 * Follows a request by its events until it is over. Each event reads it again; without the stream it is polled.
 * @param id The request; undefined for none.
 */
export function useFollowed(id: string | undefined): {
  request: RequestDetail | undefined;
  error: unknown;
  refetch: () => void;
} {
  const [isStreaming, setStreaming] = useState(false);
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/requests/{id}',
    { params: { path: { id: id ?? '' } } },
    {
      enabled: id !== undefined,
      refetchInterval: ({ state }) => {
        if (state.data === undefined || isOver(state.data)) return false;
        if (state.data.status === 'PENDING') return WAITING_MS;
        return isStreaming ? false : POLL_MS;
      },
    },
  );
  const over = data !== undefined && data.id === id && isOver(data);
  useEffect(() => {
    if (id === undefined || over) return undefined;
    const source = new EventSource(`/api/requests/${encodeURIComponent(id)}/events`);
    const read = (): void => void refetch();
    for (const type of EVENTS) source.addEventListener(type, read);
    source.addEventListener('open', () => setStreaming(true));
    source.addEventListener('error', () => setStreaming(false));
    source.addEventListener('end', () => source.close());
    return () => {
      source.close();
      setStreaming(false);
    };
  }, [id, over, refetch]);
  return { request: data?.id === id ? data : undefined, error, refetch: () => void refetch() };
}
