import { useEffect, useRef, useState } from 'react';
import { api, queryClient } from '../../../api/client';
import { Button } from '../../../ui/button';
import { bytes, number } from '../../../ui/format';
import { useSearchState } from '../../../ui/search';
import { ErrorState } from '../../../ui/states';
import { announce } from '../../../ui/toast';
import { importFile } from './upload-file';

/** Asks before it sends the file, and then shows its progress. */
export function Upload({ file, onDone }: { file: File; onDone: () => void }) {
  const [, change] = useSearchState();
  const [state, setState] = useState<'asked' | 'running'>('asked');
  const [error, setError] = useState<unknown>(null);
  const abort = useRef<AbortController>(null);
  // Without the page, the answer would reach nobody: the import stops, and a repeat continues it.
  useEffect(() => () => abort.current?.abort(), []);
  async function send(): Promise<void> {
    abort.current = new AbortController();
    setState('running');
    setError(null);
    try {
      const { id, created, failed } = await importFile(file, abort.current.signal);
      announce('The import is done', `${number(created)} orders created, ${number(failed)} with errors`);
      onDone();
      change({ id, cursor: undefined });
    } catch (failure) {
      setError(abort.current.signal.aborted ? null : failure);
      setState('asked');
    } finally {
      await queryClient.invalidateQueries();
    }
  }
  return (
    <div className="rounded-panel border px-4 py-5">
      <p className="font-medium break-words">
        {file.name} <span className="font-normal text-muted">({bytes(file.size)})</span>
      </p>
      {state === 'running' && <Running />}
      {error !== null && <ErrorState error={error} />}
      <div className="mt-4 flex gap-2">
        {state === 'asked' ? (
          <>
            <Button kind="primary" autoFocus onClick={() => void send()}>
              Import the file
            </Button>
            <Button onClick={onDone}>Choose another</Button>
          </>
        ) : (
          <Button kind="danger" onClick={() => abort.current?.abort()}>
            Stop
          </Button>
        )}
      </div>
    </div>
  );
}

/** The counts of the import that runs. The answer with its id comes at its end, so it is the newest one until then. */
function Running() {
  const startedAt = useRef(Date.now());
  const params = { query: { limit: 1 } };
  const { data } = api.useQuery('get', '/api/orders/imports', { params }, { refetchInterval: 500 });
  const newest = data?.imports.find(({ status }) => status === 'running');
  const { data: current } = api.useQuery(
    'get',
    '/api/orders/imports/{id}',
    { params: { path: { id: newest?.id ?? '' } } },
    { enabled: newest !== undefined, refetchInterval: 500 },
  );
  const rows = current?.rows ?? newest?.rows ?? 0;
  const seconds = Math.max(1, (Date.now() - startedAt.current) / 1_000);
  return (
    <div role="status" className="mt-3">
      <div className="h-2 overflow-hidden rounded-full bg-sunken">
        <div className="h-full w-1/3 animate-pulse rounded-full bg-accent" />
      </div>
      <p className="mt-2">
        {number(rows)} lines read, {number(current?.created ?? 0)} orders created, {number(current?.failed ?? 0)} with
        errors
        <span className="text-muted"> ({number(Math.round(rows / seconds))} lines a second)</span>
      </p>
    </div>
  );
}
