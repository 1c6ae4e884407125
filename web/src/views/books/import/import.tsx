import { type DragEvent, useRef, useState } from 'react';
import { api } from '../../../api/client';
import { Button } from '../../../ui/button';
import { usePager } from '../../../ui/filters';
import { Time, number } from '../../../ui/format';
import { Panel, StatusBadge } from '../../../ui/panel';
import { useSearchState } from '../../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../../ui/states';
import { type Column, Pager, Table } from '../../../ui/table';
import { ImportDialog } from './import-dialog';
import { RowLink } from '../../../ui/row-link';
import { Upload } from './upload';
import { type OrderImport, contentTypeOf } from './upload-file';

/** Takes a file, shows its import while it runs, and lists the imports before. */
export default function Import() {
  const [file, setFile] = useState<File | null>(null);
  return (
    <>
      <Panel
        title="Import orders"
        hint="An order whose external_ref is there already stays as it is, so a file can be sent twice."
      >
        {file ? <Upload file={file} onDone={() => setFile(null)} /> : <DropZone onFile={setFile} />}
        <Format />
      </Panel>
      <Imports />
    </>
  );
}

function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  function take(file: File | undefined): void {
    if (!file) return;
    if (contentTypeOf(file.name) === null) setRefused(file.name);
    else onFile(file);
  }
  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  }
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={`rounded-panel border-2 border-dashed px-4 py-10 text-center transition-colors ${isOver ? 'border-accent bg-accent-soft' : 'border-line-strong'}`}
    >
      <p className="font-medium">Drop a CSV or NDJSON file here</p>
      <p className="mt-1 text-sm text-muted">Of any size: it is sent as a stream.</p>
      <input
        ref={input}
        type="file"
        accept=".csv,.ndjson,.jsonl,text/csv,application/x-ndjson"
        aria-label="File to import"
        className="sr-only"
        tabIndex={-1}
        onChange={(event) => take(event.target.files?.[0])}
      />
      <Button kind="primary" className="mt-4" onClick={() => input.current?.click()}>
        Choose a file
      </Button>
      {refused !== null && (
        <p role="alert" className="mt-3 text-bad">
          {refused} is neither .csv nor .ndjson (or .jsonl).
        </p>
      )}
    </div>
  );
}

const EXAMPLE = `external_ref,customer_email,currency,placed_at,status,sku,quantity,unit_price_cents
A-1001,ada@example.com,EUR,2026-03-01T10:00:00Z,draft,SKU-1,2,1250
A-1001,ada@example.com,EUR,2026-03-01T10:00:00Z,draft,SKU-7,1,900`;

function Format() {
  return (
    <details className="mt-3">
      <summary className="w-fit cursor-pointer text-sm text-muted">How the file looks</summary>
      <div className="mt-2 space-y-2 text-sm">
        <p className="max-w-prose">
          A CSV file has one line for each item; lines with the same external_ref make one order. An NDJSON file has one
          order as JSON on each line. Amounts are minor units. A customer who is not there is added.
        </p>
        <pre
          tabIndex={0}
          role="region"
          aria-label="Example"
          className="overflow-x-auto rounded-control bg-sunken p-3 font-mono text-xs"
        >
          {EXAMPLE}
        </pre>
      </div>
    </details>
  );
}

const COLUMNS: Column<OrderImport>[] = [
  {
    head: 'Started',
    cell: ({ id, created_at }) => (
      <RowLink id={id}>
        <Time at={created_at} />
      </RowLink>
    ),
  },
  { head: 'State', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: 'Lines', cell: ({ rows }) => number(rows), isNumber: true, isExtra: true },
  { head: 'Created', cell: ({ created }) => number(created), isNumber: true },
  { head: 'Already there', cell: ({ duplicates }) => number(duplicates), isNumber: true, isExtra: true },
  { head: 'With errors', cell: ({ failed }) => number(failed), isNumber: true },
];

function Imports() {
  const [search, change] = useSearchState();
  const params = { query: { limit: 20, cursor: search['cursor'] } };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/orders/imports',
    { params },
    {
      refetchInterval: ({ state }) => (state.data?.imports.some(({ status }) => status === 'running') ? 1_000 : 4_000),
    },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel title="Imports so far" hint="Newest first" isFlush>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={3} />}
      {!error && data?.imports.length === 0 && (
        <Empty title="No imports yet">They are listed here with their errors.</Empty>
      )}
      {!error && data && data.imports.length > 0 && (
        <Table caption="Imports" columns={COLUMNS} rows={data.imports} keyOf={({ id }) => id} />
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && <ImportDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
