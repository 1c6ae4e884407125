import { Link } from '@tanstack/react-router';
import { useSession } from '../../api/session';
import { type Call, Curl, Json } from '../../ui/code';
import { Download, fileNameOf } from '../../ui/download';
import { bytes, number } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { ErrorState } from '../../ui/states';
import { Stopwatch } from './stopwatch';
import { type Run, isRunning } from './use-run';

/** The sync call: its caller waits until the report is there. */
export function SyncRun({ run, call }: { run: Run | null; call: Call }) {
  const { authentication } = useSession();
  return (
    <Panel title="Sync" hint="The answer is the report. The caller waits for it.">
      <div className="min-h-36 space-y-3">
        <Stopwatch run={run} label="Time that the sync caller waited" />
        <div aria-live="polite">
          <Outcome run={run} />
        </div>
      </div>
      <Curl call={call} needsKey={authentication === 'required'} />
    </Panel>
  );
}

function Outcome({ run }: { run: Run | null }) {
  if (run === null) return <p className="text-muted">Best for small reports that a person waits for.</p>;
  if (isRunning(run)) return <p className="text-muted">The connection is held until the report is ready.</p>;
  if (!run.answer?.json || run.answer.problem) return <ErrorState error={run.answer?.problem ?? run.failure} />;
  const { json: result } = run.answer;
  const id = String(result['request_id']);
  if (run.answer.status === 202) {
    return (
      <p>
        It takes longer than the caller may wait, and continues in the background:{' '}
        <Link to="/app/requests/$id" params={{ id }} className="underline underline-offset-2">
          follow the request
        </Link>
        .
      </p>
    );
  }
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-3">
        <StatusBadge status="COMPLETED" />
        <FileFacts result={result} />
        {fileNameOf(result) !== null && <Download result={result} isSmall />}
      </div>
      <Answered value={result} label="The sync answer" isOpen />
    </div>
  );
}

/** Rows and size of the file of a result. */
export function FileFacts({ result }: { result: Record<string, unknown> }) {
  const { row_count: rows, file_size_bytes: size } = result;
  const facts = [
    typeof rows === 'number' && `${number(rows)} ${rows === 1 ? 'row' : 'rows'}`,
    typeof size === 'number' && bytes(size),
  ].filter(Boolean);
  return facts.length > 0 && <span>{facts.join(', ')}</span>;
}

/** A JSON answer, which can be folded. */
export function Answered({ value, label, isOpen = false }: { value: unknown; label: string; isOpen?: boolean }) {
  return (
    <details open={isOpen} className="text-sm">
      <summary className="w-fit cursor-pointer text-muted">Answer</summary>
      <div className="mt-1">
        <Json value={value} label={label} />
      </div>
    </details>
  );
}
