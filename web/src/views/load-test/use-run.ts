import { useEffect } from 'react';
import { api, queryClient } from '../../api/client';
import type { Run } from './figures';

/** Reads a run. While it is running, its progress comes as server-sent events; none while the tab is hidden. */
export function useRun(id: string): { run: Run | undefined; error: unknown } {
  const init = { params: { path: { id } } };
  const { data: run, error } = api.useQuery('get', '/api/benchmark/runs/{id}', init);
  const isRunning = run?.status === 'RUNNING';
  useEffect(() => (isRunning ? follow(id) : undefined), [id, isRunning]);
  return { run, error };
}

function follow(id: string): () => void {
  let source: EventSource | null = null;
  const receive = ({ data }: MessageEvent<string>): void => {
    const run = JSON.parse(data) as Run;
    queryClient.setQueryData(['get', '/api/benchmark/runs/{id}', { params: { path: { id } } }], run);
    if (run.status === 'RUNNING') return;
    source?.close();
    void queryClient.invalidateQueries({ queryKey: ['get', '/api/benchmark/runs'] });
  };
  function open(): void {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(`/api/benchmark/runs/${id}/events`);
    source.addEventListener('progress', receive);
    source.addEventListener('end', receive);
  }
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    document.removeEventListener('visibilitychange', open);
    source?.close();
  };
}
