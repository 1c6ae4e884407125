import { useEffect, useState } from 'react';
import { api } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import type { Call } from '../../ui/code';
import { duration, number } from '../../ui/format';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { AsyncRun } from './async-run';
import { BlockedUrls } from './blocked-urls';
import { Burst } from './burst';
import { type Draft, type ReportType, bodiesOf, draftOf, searchOf } from './draft';
import { ReportForm } from './report-form';
import { SameKey } from './same-key';
import { SyncRun } from './sync-run';
import { type Run, isRunning, useRun } from './use-run';

/** Pause after the last change before the form is written to the URL. */
const DEBOUNCE_MS = 300;

/** A report made in both ways, side by side, and what the API answers at its limits. */
export function GenerateView() {
  const mayWrite = useMay('reports:write');
  const mayRead = useMay('reports:read');
  return (
    <Page
      title="Generate"
      intro="Ask for a report in both ways and watch the clock. Then try the promises: no duplicates, fair limits, no calls into your network."
    >
      {mayWrite && mayRead ? (
        <Types />
      ) : (
        <Empty title="This key cannot make reports here">
          Log in with one that has reports:read, for the forms, and reports:write.
        </Empty>
      )}
    </Page>
  );
}

function Types() {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/report-types',
    {},
    { staleTime: Number.POSITIVE_INFINITY },
  );
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) {
    return (
      <Panel title="Report">
        <Skeleton rows={6} />
      </Panel>
    );
  }
  return <Generate types={data.report_types} />;
}

function Generate({ types }: { types: ReportType[] }) {
  const [search, change] = useSearchState();
  const [draft, setDraft] = useDraft(types);
  const [syncRun, startSync] = useRun();
  const [asyncRun, startAsync] = useRun();
  const [areErrorsOld, setErrorsOld] = useState(false);
  const bodies = bodiesOf(
    draft,
    types.find(({ type }) => type === draft.report),
  );
  const syncCall: Call = { method: 'POST', path: '/api/sync', body: bodies.sync };
  const asyncCall: Call = { method: 'POST', path: '/api/async', body: bodies.async };
  const isBusy = isRunning(syncRun) || isRunning(asyncRun);
  const runSync = async (): Promise<void> => void (await startSync(syncCall));
  async function runAsync(): Promise<void> {
    const answer = await startAsync(asyncCall);
    const id = answer?.problem ? undefined : answer?.json?.['request_id'];
    if (typeof id === 'string') change({ run: id }, true);
  }
  const run = (...ways: (() => Promise<void>)[]): void => {
    setErrorsOld(false);
    for (const way of ways) void way();
  };
  return (
    <>
      <Panel title="Report">
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            run(runAsync, runSync);
          }}
        >
          <ReportForm
            draft={draft}
            types={types}
            errors={areErrorsOld ? [] : errorsOf(asyncRun, syncRun)}
            onChange={(changed) => {
              setErrorsOld(true);
              setDraft(changed);
            }}
          />
          <div className="mt-5 flex flex-wrap items-center gap-2">
            <Button type="submit" kind="primary" isBusy={isBusy}>
              Make it in both ways
            </Button>
            <Button disabled={isBusy} onClick={() => run(runSync)}>
              Only sync
            </Button>
            <Button disabled={isBusy} onClick={() => run(runAsync)}>
              Only async
            </Button>
            <Comparison sync={syncRun} async={asyncRun} />
          </div>
        </form>
      </Panel>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-5 lg:grid-cols-2">
        <SyncRun run={syncRun} call={syncCall} />
        <AsyncRun run={asyncRun} call={asyncCall} id={search['run']} />
      </div>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-5 lg:grid-cols-2">
        <SameKey call={syncCall} />
        <Burst />
      </div>
      <BlockedUrls />
    </>
  );
}

/** The form. It begins as the URL says, and the URL follows it. */
function useDraft(types: ReportType[]): [Draft, (draft: Draft) => void] {
  const [search, change] = useSearchState();
  const [draft, setDraft] = useState(() => draftOf(search, types));
  const [isChanged, setChanged] = useState(false);
  useEffect(() => {
    if (!isChanged) return undefined;
    const timer = setTimeout(() => change(searchOf(draft, search), true), DEBOUNCE_MS);
    return () => clearTimeout(timer);
    // `search` and `change` are new at each render.
  }, [draft, isChanged]);
  return [
    draft,
    (changed) => {
      setChanged(true);
      setDraft(changed);
    },
  ];
}

/** The errors of both answers, once each. */
function errorsOf(...runs: (Run | null)[]) {
  const errors = runs.flatMap((run) => run?.answer?.problem?.errors ?? []);
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()];
}

/** Says how much sooner the async caller was free. */
function Comparison({ sync, async }: { sync: Run | null; async: Run | null }) {
  const [syncMs, asyncMs] = [sync, async].map((run) => (run?.answer?.problem ? undefined : run?.answer?.tookMs));
  return (
    <p aria-live="polite" className="min-h-6 min-w-64 grow basis-80 text-sm text-muted sm:pl-3">
      {syncMs !== undefined && asyncMs !== undefined && (
        <>
          The async caller was free after <strong className="text-ink">{duration(asyncMs)}</strong>, the sync caller
          after <strong className="text-ink">{duration(syncMs)}</strong>
          {syncMs > 2 * asyncMs && `: ${number(Math.round(syncMs / asyncMs))} times as long`}.
        </>
      )}
    </p>
  );
}
