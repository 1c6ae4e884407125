import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { Time } from '../../ui/format';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { announce } from '../../ui/toast';
import { Facts } from '../../ui/facts';
import { type Entry, Lines, kindOf } from './entry';
import { PartLink } from './part-link';
import { useForm } from '../../api/use-form';

/** One entry of the journal. An adjustment can be reversed. */
export function EntryDialog({ number, onClose }: { number: string; onClose: () => void }) {
  const query = { through_entry: number, limit: 1 };
  const { data, error, refetch } = api.useQuery('get', '/api/journal/entries', { params: { query } });
  const mayWrite = useMay('books:write');
  const entry = data?.entries.find((one) => String(one.number) === number);
  return (
    <Dialog title={`Entry ${number}`} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {data && !entry && <Empty title="There is no such entry" />}
      {entry && (
        <div className="space-y-4">
          <Details entry={entry} />
          <div className="overflow-x-auto rounded-control border p-3" tabIndex={0} role="region" aria-label="Lines">
            <Lines lines={entry.lines} />
          </div>
          {mayWrite && entry.kind === 'adjustment' && <Reverse number={number} />}
        </div>
      )}
      <div className="mt-5 flex justify-end">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

function Details({ entry }: { entry: Entry }) {
  const order = entry.source_type === 'order' ? entry.source_id : null;
  return (
    <Facts
      facts={[
        ['Posted by', kindOf(entry)],
        [
          'Order',
          order !== null && (
            <PartLink key="order" search={{ tab: 'orders', id: order }}>
              Open the order
            </PartLink>
          ),
        ],
        ['Memo', entry.memo],
        [
          'Reverses',
          entry.reverses !== null && (
            <PartLink key="reverses" search={{ tab: 'journal', id: String(entry.reverses) }}>
              Entry {entry.reverses}
            </PartLink>
          ),
        ],
        ['Counts at', <Time key="counts" at={entry.effective_at} />],
        ['Written at', <Time key="written" at={entry.recorded_at} />],
      ]}
    />
  );
}

/** Posts the opposite lines as an entry of its own. */
function Reverse({ number }: { number: string }) {
  const [, change] = useSearchState();
  const [isAsked, setAsked] = useState(false);
  const { isBusy, error, onSubmit } = useForm(async (field) => {
    const body = field('memo') === '' ? {} : { memo: field('memo') };
    const params = { path: { number }, header: {} };
    const entry = await dataOf(client.POST('/api/journal/entries/{number}/reverse', { params, body }));
    await queryClient.invalidateQueries();
    announce(`Entry ${entry.number} reverses entry ${number}`);
    change({ id: String(entry.number) });
  });
  if (!isAsked)
    return (
      <Button kind="danger" onClick={() => setAsked(true)}>
        Reverse this entry
      </Button>
    );
  return (
    <form onSubmit={onSubmit} className="space-y-3 rounded-control border border-bad p-4">
      <p>
        Posts 1 entry with the opposite lines. Entry {number} stays, and can be reversed <strong>once</strong>.
      </p>
      <TextField label="Reason" name="memo" hint="Optional" autoFocus />
      {error !== null && <ErrorState error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={() => setAsked(false)}>Keep as it is</Button>
        <Button type="submit" kind="danger" isBusy={isBusy}>
          Post the reversal
        </Button>
      </div>
    </form>
  );
}
