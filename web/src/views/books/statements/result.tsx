import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type RequestDetail, useFollowed } from '../../../api/follow';
import { Button } from '../../../ui/button';
import { fileNameOf } from '../../../ui/download';
import { FORMAT_NAMES } from '../../../ui/file-fields';
import { Time, number } from '../../../ui/format';
import { Panel } from '../../../ui/panel';
import { LINK } from '../../../ui/row-link';
import { Empty, ErrorState, Skeleton } from '../../../ui/states';
import { act } from '../../../ui/toast';
import { download, readRows } from './files';
import { type Row, STATEMENTS, sectionsOf } from './statement';
import { StatementTable, TrialBalance } from './tables';

/** A longer table is of no use on a screen. */
const MAX_ROWS = 1_000;
const FORMATS = ['csv', 'jsonl', 'xlsx', 'parquet'];

/** The report of a request, as a table. @param id The request, which is in the URL. */
export function StatementResult({ id }: { id: string }) {
  const { request, error, refetch } = useFollowed(id);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (request?.status === 'COMPLETED') return <Completed request={request} />;
  return (
    <Panel>
      {request && request.status !== 'PENDING' && request.status !== 'PROCESSING' ? (
        <Empty title="The report failed">{request.error ?? 'It was cancelled.'}</Empty>
      ) : (
        <Skeleton rows={8} />
      )}
    </Panel>
  );
}

function Completed({ request }: { request: RequestDetail }) {
  const { report, result_payload: result } = request;
  const fileName = fileNameOf(result) ?? '';
  const { data, error, refetch } = useQuery({
    queryKey: ['rows', fileName],
    queryFn: () => readRows(fileName, MAX_ROWS),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const sections = sectionsOf(data ?? [], (result?.['totals'] ?? []) as Row[]);
  const Part = report === 'trial-balance' ? TrialBalance : StatementTable;
  return (
    <>
      <About request={request} />
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton rows={8} />}
      {data && sections.length === 0 && (
        <Panel>
          <Empty title="Nothing is posted">Choose another interval, or pay an order first.</Empty>
        </Panel>
      )}
      {data && sections.map((section) => <Part key={section.key} section={section} />)}
    </>
  );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The interval and the entries of the report, and its downloads. */
function About({ request: { id, report, input_payload: params, result_payload: result } }: { request: RequestDetail }) {
  const rows = Number(result?.['row_count'] ?? 0);
  const about = [params['ledger_account'], params['currency']].map(textOf).filter((text) => text !== '');
  return (
    <Panel
      title={[STATEMENTS.find(([name]) => name === report)?.[1] ?? report, ...about].join(', ')}
      hint={
        <>
          {textOf(params['from'])} to {textOf(params['to'])}, {textOf(params['timezone'])}. Through entry{' '}
          {number(Number(params['through_entry']))}, which was recorded <Time at={result?.['data_as_of'] as string} />.
        </>
      }
    >
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-sm text-muted">Download</span>
        {FORMATS.map((format) => (
          <DownloadAs key={format} format={format} body={{ report, format, payload: params }} />
        ))}
        <Link to="/app/requests/$id" params={{ id }} className={LINK}>
          Open the request
        </Link>
      </div>
      <p className="mt-2 text-sm text-muted">
        {rows > MAX_ROWS
          ? `The tables show the first ${number(MAX_ROWS)} of ${number(rows)} rows; balances and totals are of all. The files have every row.`
          : `${number(rows)} ${rows === 1 ? 'row' : 'rows'}. The files cover the same entries, so their figures are these.`}
      </p>
    </Panel>
  );
}

function DownloadAs({ format, body }: { format: string; body: object }) {
  const [isBusy, setBusy] = useState(false);
  async function save(): Promise<void> {
    setBusy(true);
    await act(() => download(body));
    setBusy(false);
  }
  const name = FORMAT_NAMES[format] ?? format;
  return (
    <Button isSmall isBusy={isBusy} aria-label={`Download as ${name}`} onClick={() => void save()}>
      {name}
    </Button>
  );
}
