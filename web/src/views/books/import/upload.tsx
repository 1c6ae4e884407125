import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, queryClient } from '../../../api/client';
import { Button } from '../../../ui/button';
import { bytes, compact, number } from '../../../ui/format';
import { Progress } from '../../../ui/page';
import { useSearchState } from '../../../ui/search';
import { ErrorState } from '../../../ui/states';
import { announce } from '../../../ui/toast';
import { estimateLines, importFile } from './upload-file';

/** Asks before it sends the file, and then shows its progress. */
export function Upload({ file, onDone }: { file: File; onDone: () => void }) {
  const [, change] = useSearchState();
  const [state, setState] = useState<'asked' | 'running'>('asked');
  const [error, setError] = useState<unknown>(null);
  const abort = useRef<AbortController>(null);
  // The import stops with the page, which would not get the answer. A repeat continues it.
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
      {state === 'running' && <Running file={file} />}
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
function Running({ file }: { file: File }) {
  const { data: lines } = useQuery({
    queryKey: ['import-lines', file.name, file.size, file.lastModified],
    queryFn: () => estimateLines(file),
  });
  const params = { query: { limit: 1 } };
  const { data } = api.useQuery('get', '/api/orders/imports', { params }, { refetchInterval: 500 });
  const newest = data?.imports.find(({ status }) => status === 'running');
  const { data: current } = api.useQuery(
    'get',
    '/api/orders/imports/{id}',
    { params: { path: { id: newest?.id ?? '' } } },
    { enabled: newest !== undefined, refetchInterval: 500 },
  );
  const { rows, created, failed } = current ?? newest ?? { rows: 0, created: 0, failed: 0 };
  return (
    <div className="mt-3 space-y-2">
      <Progress label="Lines read" value={rows} max={Math.max(lines ?? 1, rows + 1)} />
      <p role="status">
        {number(rows)} {lines !== undefined && `of about ${compact(lines)} `}lines read, {number(created)} orders
        created, {number(failed)} with errors
      </p>
    </div>
  );
}
