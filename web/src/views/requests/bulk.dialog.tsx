import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { Curl } from '../../ui/code';
import { Dialog } from '../../ui/dialog';
import { number } from '../../ui/format';
import { Progress } from '../../ui/page';
import { ErrorState } from '../../ui/states';
import type { Filter } from './request-filter';
import { timeSlices } from './time-slices';

type Action = components['schemas']['BulkBody']['action'];

const ACTIONS: Record<Action, { label: string; hint: string; verb: string; done: string; counted: string }> = {
  cancel: {
    label: 'Cancel',
    hint: 'Those that have not started. Their callbacks say that they were cancelled.',
    verb: 'Cancel',
    done: 'cancelled',
    counted: 'not started yet',
  },
  redeliver: {
    label: 'Redeliver',
    hint: 'Sends the callbacks again that were delivered or have failed.',
    verb: 'Redeliver',
    done: 'due again',
    counted: 'with a callback that was delivered or has failed',
  },
  delete: {
    label: 'Delete',
    hint: 'The finished ones whose callback is not due, with their files and callback logs. It cannot be undone.',
    verb: 'Delete',
    done: 'deleted',
    counted: 'finished, with no callback due',
  },
};
const NAMES = Object.keys(ACTIONS) as Action[];

/** Cancels, redelivers or deletes all requests that match the filter of the list. Counts them first. */
export function BulkDialog({ filter, isFiltered }: { filter: Filter; isFiltered: boolean }) {
  return (
    <Dialog
      title={isFiltered ? 'Change all requests that match' : 'Change all requests'}
      description={<FilterText filter={filter} />}
      trigger={<Button>{isFiltered ? 'Change all that match' : 'Change all'}</Button>}
    >
      <Bulk filter={filter} />
    </Dialog>
  );
}

function FilterText({ filter }: { filter: Filter }) {
  const NAMES_OF: Record<string, string> = { created_from: 'from', created_to: 'before', q: 'with' };
  const show = (name: string, value: string): string =>
    name.startsWith('created_') ? new Date(value).toLocaleString() : value;
  const parts = Object.entries(filter).map(([name, value]) => `${NAMES_OF[name] ?? name} ${show(name, String(value))}`);
  return parts.length === 0 ? 'No filter is set: this is about every request.' : `Filter: ${parts.join(', ')}.`;
}

interface Run {
  action: Action;
  total: number;
  done: number;
  isRunning: boolean;
}

function Bulk({ filter }: { filter: Filter }) {
  const session = useSession();
  const [action, setAction] = useState<Action>('cancel');
  const [run, setRun] = useState<Run | null>(null);
  const [job, setJob] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const isStopped = useRef(false);
  const body = { action, filter, dry_run: true };
  const count = useQuery({
    queryKey: ['bulk-count', action, filter],
    queryFn: () => dataOf(client.POST('/api/requests/bulk', { body })),
    staleTime: 0,
    enabled: run === null,
  });
  const matched = count.data && 'count' in count.data ? count.data.count : null;

  async function start(total: number): Promise<void> {
    setError(null);
    isStopped.current = false;
    let done = 0;
    setRun({ action, total, done, isRunning: true });
    try {
      // The service works on a redelivery in the background; the others are done when they answer.
      const parts = action === 'redeliver' ? [filter] : timeSlices(filter, total, Date.now());
      for (const part of parts) {
        if (isStopped.current) break;
        const answer = await dataOf(
          client.POST('/api/requests/bulk', { body: { action, filter: part, dry_run: false } }),
        );
        if ('count' in answer) done += answer.count;
        else setJob(answer.id);
        setRun({ action, total, done, isRunning: true });
      }
    } catch (failure) {
      setError(failure);
    }
    setRun({ action, total, done, isRunning: false });
    await queryClient.invalidateQueries({ queryKey: ['get', '/api/requests'] });
  }

  if (run !== null) {
    return (
      <div className="space-y-4">
        {job === null ? <RunState run={run} onStop={() => (isStopped.current = true)} /> : <JobState id={job} />}
        {error !== null && <ErrorState error={error} />}
        {!run.isRunning && (
          <Button
            onClick={() => {
              setRun(null);
              setJob(null);
              setError(null);
            }}
          >
            Change more
          </Button>
        )}
      </div>
    );
  }
  const { verb, counted } = ACTIONS[action];
  return (
    <div className="space-y-4">
      <ActionChoice action={action} onChange={setAction} />
      <div className="min-h-12" aria-live="polite">
        {count.isFetching && <p className="text-muted">Counting …</p>}
        {!count.isFetching && count.error && <ErrorState error={count.error} onRetry={() => void count.refetch()} />}
        {!count.isFetching && matched !== null && (
          <p>
            <strong>{number(matched)}</strong> matching {matched === 1 ? 'request' : 'requests'} {counted}.
          </p>
        )}
      </div>
      <Button
        kind={action === 'redeliver' ? 'primary' : 'danger'}
        disabled={count.isFetching || !matched}
        onClick={() => void start(matched ?? 0)}
      >
        {verb} {matched === null ? 'requests' : `${number(matched)} ${matched === 1 ? 'request' : 'requests'}`}
      </Button>
      <Curl
        call={{ method: 'POST', path: '/api/requests/bulk', body: { ...body, dry_run: false } }}
        needsKey={session.authentication === 'required'}
      />
    </div>
  );
}

function ActionChoice({ action, onChange }: { action: Action; onChange: (action: Action) => void }) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-sm font-medium">Action</legend>
      {NAMES.map((name) => (
        <label
          key={name}
          className="flex cursor-pointer items-start gap-2.5 rounded-control border px-3 py-2 has-checked:border-accent has-checked:bg-accent-soft"
        >
          <input
            type="radio"
            name="action"
            value={name}
            checked={name === action}
            onChange={() => onChange(name)}
            className="mt-1 size-4 shrink-0 accent-accent"
          />
          <span>
            <span className="font-medium">{ACTIONS[name].label}</span>
            <span className="block text-sm text-muted">{ACTIONS[name].hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function RunState({ run, onStop }: { run: Run; onStop: () => void }) {
  const { done } = ACTIONS[run.action];
  return (
    <div className="space-y-3" role="status">
      <p>
        <strong>{number(run.done)}</strong> of {number(run.total)} requests {done}
        {run.isRunning ? ' …' : '.'}
        {!run.isRunning && run.done < run.total && ' The others no longer matched, or were not reached.'}
      </p>
      <Progress label="Progress" value={run.isRunning ? run.done : run.total} max={run.total} />
      {run.isRunning && <Button onClick={onStop}>Stop after this part</Button>}
    </div>
  );
}

/** The progress of a redelivery, which goes on when the dialog is closed. */
function JobState({ id }: { id: string }) {
  const { data, error } = api.useQuery(
    'get',
    '/api/callbacks/redeliveries/{id}',
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (state.data?.status === 'running' || !state.data ? 500 : false) },
  );
  if (error) return <ErrorState error={error} />;
  if (!data) return <p className="text-muted">Starting …</p>;
  const { status, redelivered, matched } = data;
  return (
    <div className="space-y-3" role="status">
      <p>
        <strong>{number(redelivered)}</strong> of {number(matched)} callbacks due again
        {status === 'running' ? ' …' : '.'}
      </p>
      <Progress label="Progress" value={redelivered} max={matched} />
      {status === 'running' && (
        <p className="text-sm text-muted">You can close this. Callbacks shows how far the redelivery is.</p>
      )}
    </div>
  );
}
