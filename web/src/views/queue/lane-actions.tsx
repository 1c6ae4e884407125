import { type FormEvent, useState } from 'react';
import { client, dataOf } from '../../api/client';
import type { LiveLane } from '../../api/live';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { ErrorState } from '../../ui/states';
import { act, announce } from '../../ui/toast';

/** Pause, resume and priority of a lane. Lanes of other accounts, whose names contain theirs, can only be looked at. */
export function LaneActions({ lane }: { lane: LiveLane }) {
  const mayPause = useMay('reports:write');
  const mayPrioritize = useMay('admin');
  const { lane: name, paused } = lane;
  if (name.includes('/')) return null;
  const params = { path: { lane: name } };
  const toggle = () =>
    paused
      ? act(() => dataOf(client.POST('/api/lanes/{lane}/resume', { params })), `Lane ${name} runs`)
      : act(() => dataOf(client.POST('/api/lanes/{lane}/pause', { params })), `Lane ${name} is paused`);
  return (
    <>
      {mayPause && (
        <Button isSmall aria-label={`${paused ? 'Resume' : 'Pause'} lane ${name}`} onClick={() => void toggle()}>
          {paused ? 'Resume' : 'Pause'}
        </Button>
      )}
      {mayPrioritize && <Priority lane={lane} />}
    </>
  );
}

function Priority({ lane: { lane, priority } }: { lane: LiveLane }) {
  const [isOpen, setOpen] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const given = Number(new FormData(event.currentTarget).get('priority'));
    try {
      await dataOf(client.PUT('/api/lanes/{lane}', { params: { path: { lane } }, body: { priority: given } }));
      setOpen(false);
      setError(null);
      announce(`Lane ${lane} has priority ${given}`);
    } catch (failure) {
      setError(failure);
    }
  }
  return (
    <Dialog
      title={`Priority of lane ${lane}`}
      description="A worker that is free takes the lane that has waited longest. The priority counts as seconds of waiting; the order inside the lane stays."
      trigger={
        <Button isSmall kind="quiet" aria-label={`Set the priority of lane ${lane}`}>
          Priority
        </Button>
      }
      isOpen={isOpen}
      onOpenChange={setOpen}
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <TextField
          label="Priority in seconds"
          name="priority"
          type="number"
          min={-86_400}
          max={86_400}
          required
          defaultValue={priority}
          hint="From -86,400 to 86,400; 0 is the usual one."
        />
        {error !== null && <ErrorState error={error} />}
        <Button type="submit" kind="primary">
          Set priority
        </Button>
      </form>
    </Dialog>
  );
}
