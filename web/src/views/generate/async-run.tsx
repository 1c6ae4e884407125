import { Link } from '@tanstack/react-router';
import { type RequestDetail, useFollowed } from '../../api/follow';
import { useMay, useSession } from '../../api/session';
import { type Call, Curl } from '../../ui/code';
import { Download, fileNameOf } from '../../ui/download';
import { number } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { Timeline } from '../requests/timeline';
import { Stopwatch } from './stopwatch';
import { Answered, FileFacts } from './sync-run';
import { type Run, isRunning } from './use-run';

/**
 * The async call: its caller is free at once, and the report follows.
 * @param id The request to follow, which is in the URL.
 */
export function AsyncRun({ run, call, id }: { run: Run | null; call: Call; id: string | undefined }) {
  const { authentication } = useSession();
  const mayRead = useMay('reports:read');
  const wasAccepted = run === null || (run.answer !== null && run.answer.problem === null);
  return (
    <Panel title="Async" hint="The answer is a place in the queue. The caller is free at once.">
      <div className="min-h-36 space-y-3">
        <Stopwatch run={run} label="Time that the async caller waited" />
        <div aria-live="polite">
          <Outcome run={run} />
        </div>
        {id !== undefined && wasAccepted && mayRead && <Course id={id} />}
      </div>
      <Curl call={call} needsKey={authentication === 'required'} />
    </Panel>
  );
}

function Outcome({ run }: { run: Run | null }) {
  if (run === null)
    return (
      <p className="text-muted">Best for everything else: once accepted, a report survives restarts of both sides.</p>
    );
  if (isRunning(run)) return <p className="text-muted">The request is being accepted.</p>;
  if (!run.answer?.json || run.answer.problem) return <ErrorState error={run.answer?.problem ?? run.failure} />;
  const { queue_position: position, jobs_ahead: ahead, lane } = run.answer.json;
  return (
    <div className="space-y-2">
      <p>
        Accepted at position <strong>#{number(Number(position))}</strong> of lane {String(lane)},{' '}
        {ahead === 0 ? 'as the next one' : `with ${number(Number(ahead))} unfinished before it`}.
      </p>
      <Answered value={run.answer.json} label="The async answer" />
    </div>
  );
}

/** The history of the request, as it happens. */
function Course({ id }: { id: string }) {
  const { request, error, refetch } = useFollowed(id);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!request) return <Skeleton rows={3} />;
  return (
    <div className="space-y-3 border-t pt-3">
      <Status request={request} />
      <Timeline request={request} />
    </div>
  );
}

function Status({ request }: { request: RequestDetail }) {
  const { id, status, result_payload: result } = request;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <StatusBadge status={status} />
      {result !== null && <FileFacts result={result} />}
      {fileNameOf(result) !== null && <Download result={result} isSmall />}
      <Link to="/app/requests/$id" params={{ id }} className="text-sm underline underline-offset-2">
        Open the request
      </Link>
    </div>
  );
}
