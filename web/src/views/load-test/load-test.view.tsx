import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { Button } from '../../ui/button';
import { Page } from '../../ui/page';
import { useSearchState } from '../../ui/search';
import { ErrorState, Skeleton } from '../../ui/states';
import { act } from '../../ui/toast';
import { History } from './history';
import { RunPanel } from './run';
import { bodyOf, fieldsOf } from './settings';
import { Settings } from './settings-form';

/** Measures this service under load: set, run, watch, compare, export. */
export function LoadTestView() {
  const [search, change] = useSearchState();
  const [isStarting, setStarting] = useState(false);
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/benchmark/runs',
    { params: { query: { limit: 50 } } },
    { refetchInterval: 5_000 },
  );
  const runs = data?.runs ?? [];
  const running = runs.find(({ status }) => status === 'RUNNING');
  const shown = search['run'] ?? running?.id ?? runs[0]?.id;
  async function start(): Promise<void> {
    setStarting(true);
    await act(async () => {
      const run = await dataOf(client.POST('/api/benchmark/runs', { body: bodyOf(fieldsOf(search)) }));
      change({ run: run.id, with: undefined });
      await queryClient.invalidateQueries({ queryKey: ['get', '/api/benchmark/runs'] });
    });
    setStarting(false);
  }
  return (
    <Page
      title="Load test"
      intro="Sends real requests to this service from a process of its own, and measures the answers and the callbacks."
      actions={
        <Button kind="primary" isBusy={isStarting} disabled={running !== undefined} onClick={() => void start()}>
          {running ? 'A load test is running' : 'Run the load test'}
        </Button>
      }
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      <Settings />
      {!data && !error && <Skeleton rows={6} />}
      {shown !== undefined && <RunPanel id={shown} key={shown} />}
      {data && <History runs={runs} shown={shown} />}
    </Page>
  );
}
