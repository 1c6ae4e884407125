import { Suspense, lazy } from 'react';
import { client, dataOf, queryClient } from '../../api/client';
import { Button } from '../../ui/button';
import { ConfirmButton } from '../../ui/dialog';
import { Time, number } from '../../ui/format';
import { Progress } from '../../ui/page';
import { Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { ErrorState, Skeleton } from '../../ui/states';
import { csvOf, loadOf, type Run } from './figures';
import { Results } from './results';
import { useRun } from './use-run';

/** uPlot is loaded when there is something to draw. */
const Chart = lazy(() => import('./chart'));

/** A run: its progress, or its results. */
export function RunPanel({ id }: { id: string }) {
  const [{ with: other }] = useSearchState();
  const { run, error } = useRun(id);
  if (error) return <ErrorState error={error} />;
  if (!run) return <Skeleton rows={8} />;
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2.5">
          Run of <Time at={run.created_at} /> <StatusBadge status={run.status} />
        </span>
      }
      hint={loadOf(run.settings)}
      actions={run.status === 'RUNNING' ? <Cancel run={run} /> : run.result && <Export run={run} />}
    >
      {run.status === 'RUNNING' && <Running run={run} />}
      {run.error !== null && <p className="text-bad">{run.error}</p>}
      {run.status === 'CANCELLED' && <p className="text-muted">It was cancelled before its end and has no results.</p>}
      {run.result && <Results run={run} otherId={other === id ? undefined : other} />}
      {run.over_time && (
        <Suspense fallback={<div className="mt-6 h-80 animate-pulse rounded-control bg-sunken" />}>
          <Chart overTime={run.over_time} />
        </Suspense>
      )}
    </Panel>
  );
}

function Running({ run: { progress, mode } }: { run: Run }) {
  const { stage, total, answered, failed, callbacks } = progress ?? {
    stage: mode === 'async' ? 'async' : 'sync',
    total: 0,
    answered: 0,
    failed: 0,
    callbacks: 0,
  };
  // An async stage is over when its callbacks have arrived.
  const isAsync = stage === 'async';
  const done = isAsync ? (answered + failed + callbacks + failed) / 2 : answered + failed;
  return (
    <div className="space-y-2" role="status">
      <div className="flex flex-wrap justify-between gap-x-4">
        <span className="font-medium">
          {progress === null ? 'Starting' : isAsync ? 'Async requests and their callbacks' : 'Sync requests'}
          {mode === 'both' && <span className="text-muted"> · part {isAsync ? 2 : 1} of 2</span>}
        </span>
        <span className="text-muted">
          {number(answered)} of {number(total)} answered
          {isAsync && `, ${number(callbacks)} callbacks`}
          {failed > 0 && <span className="text-bad">, {number(failed)} failed</span>}
        </span>
      </div>
      <Progress label="Progress of this part" value={done} max={total} />
    </div>
  );
}

function Cancel({ run: { id, progress } }: { run: Run }) {
  return (
    <ConfirmButton
      isSmall
      title="Cancel this load test?"
      description={`${number(progress?.sent ?? 0)} requests have been sent. The run ends without results.`}
      confirm="Cancel it"
      onConfirm={async () => {
        await dataOf(client.POST('/api/benchmark/runs/{id}/cancel', { params: { path: { id } } }));
        await queryClient.invalidateQueries();
      }}
    >
      Cancel
    </ConfirmButton>
  );
}

function Export({ run }: { run: Run }) {
  return (
    <>
      <Button
        isSmall
        onClick={() => save(`${JSON.stringify(run, null, 2)}\n`, `load-test-${run.id}.json`, 'application/json')}
      >
        Export JSON
      </Button>
      <Button isSmall onClick={() => save(csvOf(run), `load-test-${run.id}.csv`, 'text/csv')}>
        Export CSV
      </Button>
    </>
  );
}

/** Hands a text to the browser as a file. */
function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
