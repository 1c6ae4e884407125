import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { ConfirmButton } from '../../ui/dialog';
import { Badge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { act, announce } from '../../ui/toast';
import type { Schedule } from './recurrence';

type Named = Pick<Schedule, 'id' | 'name'>;

/** Whether a schedule runs by itself; a switch for callers that may change it. */
export function ActiveSwitch({ id, name, report, is_active }: Named & Pick<Schedule, 'report' | 'is_active'>) {
  const mayWrite = useMay('reports:write');
  const types = api.useQuery('get', '/api/report-types', {}, { staleTime: Number.POSITIVE_INFINITY });
  // A report that the caller may not ask for can be switched off, and not on.
  const isForbidden = !is_active && types.data?.report_types.some(({ type }) => type === report) === false;
  const [isBusy, setBusy] = useState(false);
  if (!mayWrite) return <Badge tone={is_active ? 'good' : 'muted'}>{is_active ? 'active' : 'not active'}</Badge>;
  async function change(): Promise<void> {
    setBusy(true);
    const body = { is_active: !is_active };
    await act(
      async () => {
        await dataOf(client.PATCH('/api/schedules/{id}', { params: { path: { id } }, body }));
        await queryClient.invalidateQueries();
      },
      is_active ? `${name} runs no more by itself` : `${name} is active`,
    );
    setBusy(false);
  }
  return (
    <label className="inline-flex min-h-6 items-center gap-2 text-sm whitespace-nowrap">
      <input
        type="checkbox"
        role="switch"
        aria-label={`${name} is active`}
        className="size-4 accent-accent"
        checked={is_active}
        disabled={isBusy || isForbidden}
        onChange={() => void change()}
      />
      <span aria-hidden>{is_active ? 'active' : 'not active'}</span>
    </label>
  );
}

/** Has the report accepted now, and shows the schedule with its new run. */
export function RunNow({ id, name }: Named) {
  const [, show] = useSearchState();
  const [isBusy, setBusy] = useState(false);
  async function run(): Promise<void> {
    setBusy(true);
    await act(async () => {
      await dataOf(client.POST('/api/schedules/{id}/run', { params: { path: { id } } }));
      await queryClient.invalidateQueries();
      announce('The report is accepted', 'Its request is in the list of runs.');
      show({ id });
    });
    setBusy(false);
  }
  return (
    <Button isSmall isBusy={isBusy} aria-label={`Run now: ${name}`} onClick={() => void run()}>
      Run now
    </Button>
  );
}

export function DeleteSchedule({ id, name, onDone }: Named & { onDone: () => void }) {
  async function remove(): Promise<void> {
    await dataOf(client.DELETE('/api/schedules/{id}', { params: { path: { id } } }));
    onDone();
    await queryClient.invalidateQueries({ predicate: ({ queryKey }) => !JSON.stringify(queryKey).includes(id) });
    announce(`${name} is deleted`);
  }
  return (
    <ConfirmButton
      isSmall
      title={`Delete ${name}`}
      description="Deletes 1 schedule and its list of runs. The requests that it made stay, with their files."
      confirm="Delete the schedule"
      onConfirm={remove}
      aria-label={`Delete ${name}`}
    >
      Delete
    </ConfirmButton>
  );
}
