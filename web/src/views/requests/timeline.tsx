import type { ReactNode } from 'react';
import type { components } from '../../api/schema.generated';
import { Link } from '@tanstack/react-router';
import { Time, duration, number } from '../../ui/format';
import type { Tone } from '../../ui/panel';
import { classes } from '../../ui/classes';
import { Attempt } from './attempt';

type Detail = components['schemas']['RequestDetail'];

const DOTS: Record<Tone, string> = {
  good: 'bg-good',
  warn: 'bg-warn',
  bad: 'bg-bad',
  info: 'bg-info',
  muted: 'bg-muted',
};

/** The history of a request in the order of its events: accepted, started, ended, each attempt, and what comes next. */
export function Timeline({ request }: { request: Detail }) {
  const { delivery_trace: attempts, callback_attempts: total } = request;
  return (
    <ol className="pt-2" aria-label="History">
      <Accepted request={request} />
      <Started request={request} />
      <Ended request={request} />
      {total > attempts.length && (
        <Step tone="muted" title={`${number(total - attempts.length)} older attempts`}>
          Only the newest {number(attempts.length)} are shown.
        </Step>
      )}
      {attempts.map((attempt) => (
        <Step
          key={attempt.attempt_number}
          tone={attempt.outcome === 'succeeded' ? 'good' : attempt.outcome === 'failed' ? 'bad' : 'muted'}
          title={`Callback attempt ${attempt.attempt_number}`}
          at={attempt.attempted_at}
        >
          <Attempt attempt={attempt} />
        </Step>
      ))}
      <Next request={request} />
    </ol>
  );
}

/** @param isNext It has not happened. */
function Step({
  tone,
  title,
  at,
  isNext,
  children,
}: {
  tone: Tone;
  title: string;
  at?: string | null;
  isNext?: boolean;
  children?: ReactNode;
}) {
  return (
    <li className="group relative pb-5 pl-7 last:pb-1">
      <span aria-hidden className="absolute top-5 bottom-0 left-[5px] w-0.5 bg-line group-last:hidden" />
      <span
        aria-hidden
        className={classes(
          'absolute top-1.5 left-0 size-3 rounded-full',
          isNext ? 'border-2 border-line-strong bg-surface' : DOTS[tone],
        )}
      />
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h3 className="font-medium">{title}</h3>
        {at !== undefined && (
          <span className="text-sm text-muted">
            <Time at={at} />
          </span>
        )}
      </div>
      {children !== undefined && <div className="text-sm text-muted">{children}</div>}
    </li>
  );
}

const between = (from: string, to: string): string => duration(Math.max(0, Date.parse(to) - Date.parse(from)));

function Accepted({ request }: { request: Detail }) {
  const { created_at: at, lane, queue_position: position } = request;
  return (
    <Step tone="good" title="Accepted" at={at}>
      {lane === null ? 'The caller waits for the answer.' : `At position ${position} of lane ${lane}.`}
    </Step>
  );
}

function Started({ request }: { request: Detail }) {
  const { status, started_at: at, created_at, jobs_ahead: ahead, lane } = request;
  if (at !== null) {
    return (
      <Step tone={status === 'PROCESSING' ? 'info' : 'good'} title="Started" at={at}>
        After {between(created_at, at)} of waiting.
      </Step>
    );
  }
  if (status !== 'PENDING') return null;
  return (
    <Step tone="warn" title="Waiting to start" isNext>
      {ahead === null || ahead === 0 ? 'It is the next one. ' : `${number(ahead)} unfinished before it. `}
      {lane !== null && (
        <Link to="/app/queue" search={{ lane }} className="underline underline-offset-2">
          See its lane
        </Link>
      )}
    </Step>
  );
}

function Ended({ request }: { request: Detail }) {
  const { status, started_at: started, completed_at: at, error } = request;
  if (status === 'PENDING') return null;
  if (status === 'PROCESSING') return <Step tone="info" title="The report is being generated" isNext />;
  if (status === 'CANCELLED') return <Step tone="muted" title="Cancelled" at={at} />;
  const took = started !== null && at !== null ? `In ${between(started, at)}.` : undefined;
  if (status === 'COMPLETED') {
    return (
      <Step tone="good" title="Completed" at={at}>
        {took}
      </Step>
    );
  }
  return (
    <Step tone="bad" title="Failed" at={at}>
      {took} <span className="text-bad">{error}</span>
    </Step>
  );
}

function Next({ request }: { request: Detail }) {
  const { callback_url: url, callback_status: status, callback_error: error, status: state } = request;
  const { callback_next_attempt_at: next } = request;
  if (url === null) return null;
  if (status === 'FAILED') {
    return (
      <Step tone="bad" title="The callback was given up">
        <span className="text-bad">{error}</span> Redeliver callback sends it again.
      </Step>
    );
  }
  if (status !== 'PENDING') return null;
  if (state === 'PENDING' || state === 'PROCESSING') {
    return (
      <Step tone="muted" title="Callback" isNext>
        Sent when the request has ended.
      </Step>
    );
  }
  return (
    <Step tone="warn" title="Next callback attempt" at={next} isNext>
      {error}
    </Step>
  );
}
