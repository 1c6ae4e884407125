import { useQuery } from '@tanstack/react-query';
import { api } from '../../../api/client';
import { Button, buttonClasses } from '../../../ui/button';
import { Dialog } from '../../../ui/dialog';
import { Time, number } from '../../../ui/format';
import { StatusBadge } from '../../../ui/panel';
import { ErrorState, Skeleton } from '../../../ui/states';
import { type Column, Table } from '../../../ui/table';
import { Facts } from '../../../ui/facts';
import { type ImportError, type OrderImport, readErrors } from './upload-file';

const SHOWN = 20;

/** One import: its counts, followed while it runs, and its first errors. */
export function ImportDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/orders/imports/{id}',
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (state.data?.status === 'running' ? 1_000 : false) },
  );
  return (
    <Dialog title="Import" isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {data && !error && (
        <div className="space-y-4">
          <Facts
            facts={[
              ['State', <StatusBadge key="status" status={data.status} />],
              ['Started', <Time key="started" at={data.created_at} />],
              ['Ended', data.finished_at && <Time key="ended" at={data.finished_at} />],
              ['Lines read', number(data.rows)],
              ['Orders created', number(data.created)],
              ['Already there', number(data.duplicates)],
              ['With errors', number(data.failed)],
            ]}
          />
          {data.status === 'interrupted' && (
            <p>It ended early. Import the same file again: orders that are there stay as they are.</p>
          )}
          {data.failed > 0 && <Errors of={data} />}
        </div>
      )}
      <div className="mt-5 flex justify-end">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

const COLUMNS: Column<ImportError>[] = [
  { head: 'Line', cell: ({ row }) => row, isNumber: true },
  { head: 'Reference', cell: ({ external_ref }) => external_ref },
  { head: 'Field', cell: ({ field }) => field },
  { head: 'Error', cell: ({ message }) => message },
];

function Errors({ of: { id, errors_url, failed } }: { of: OrderImport }) {
  const { data, error } = useQuery({
    queryKey: ['import-errors', id, failed],
    queryFn: ({ signal }) => readErrors(errors_url, SHOWN, signal),
  });
  return (
    <div className="space-y-2">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="font-semibold">First errors</h3>
        <a href={errors_url} download className={buttonClasses('secondary', true)}>
          Download all errors
        </a>
      </div>
      {error && <ErrorState error={error} />}
      {data && (
        <div className="overflow-hidden rounded-control border">
          <Table
            caption="First errors of the import"
            columns={COLUMNS}
            rows={data}
            keyOf={(row) => `${row.row} ${row.external_ref} ${row.field} ${row.message}`}
          />
        </div>
      )}
    </div>
  );
}
