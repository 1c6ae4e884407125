import { Link } from '@tanstack/react-router';
import { keepPreviousData } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo } from 'react';
import { api, client, dataOf } from '../../api/client';
import type { LiveLane, LiveRequest } from '../../api/live';
import { useMay } from '../../api/session';
import { classes } from '../../ui/classes';
import { ConfirmButton } from '../../ui/dialog';
import { duration, number } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { LaneActions } from './lane-actions';
import { SHOWN, type Track, trackOf } from './track';

/** Reads of heads in a minute, for all tracks together: a part of the 600 calls that a caller has. */
const READS_PER_MINUTE = 240;
/** The head is read again when fewer of the next ones than this are known. */
const FEW = 4;

/** Width of a card with the gap behind it, in rem. */
const STEP_REM = 8.5;

/** An age to the second: it is measured from a clock that may differ. */
const age = (ms: number): string => (ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1_000))} s` : duration(ms));

/** A lane: its state, and its requests from the running one on. */
export function LaneTrack({
  lane,
  running,
  tracks,
  now,
}: {
  lane: LiveLane;
  running: LiveRequest | null;
  tracks: number;
  now: number;
}) {
  const next = useNext(lane, tracks);
  const track = trackOf(lane, running, next.rows);
  const isShort = track.next.length < FEW && track.more > 0;
  useEffect(() => {
    if (!isShort) return undefined;
    const timer = setTimeout(next.reload, (tracks * 60_000) / READS_PER_MINUTE);
    return () => clearTimeout(timer);
  }, [isShort, running?.id]);
  return (
    <Panel
      title={
        <Link to="/app/requests" search={{ lane: lane.lane }} className="break-all underline-offset-2 hover:underline">
          {lane.lane}
        </Link>
      }
      hint={<Facts lane={lane} now={now} />}
      actions={<LaneActions lane={lane} />}
    >
      <Cards track={track} now={now} onChange={next.reload} />
    </Panel>
  );
}

function useNext({ lane, pending }: LiveLane, tracks: number) {
  const { data, refetch } = api.useQuery(
    'get',
    '/api/requests',
    { params: { query: { lane, status: 'PENDING', order: 'oldest', limit: SHOWN + FEW } } },
    {
      enabled: pending > 0,
      placeholderData: keepPreviousData,
      refetchInterval: Math.max(2_000, (tracks * 60_000) / READS_PER_MINUTE),
    },
  );
  return { rows: data?.requests ?? [], reload: () => void refetch() };
}

function Facts({ lane, now }: { lane: LiveLane; now: number }) {
  const { pending, head_age_seconds: headAge, drain_rate_per_minute: rate, held_by: worker, paused, priority } = lane;
  // The age of the head is sent when something else changes, and grows in between.
  const headAt = useMemo(() => (headAge === null ? null : Date.now() - headAge * 1_000), [lane]);
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {paused ? (
        <Badge tone="warn">paused</Badge>
      ) : (
        <Badge tone="info">{worker || rate > 0 ? 'running' : 'waiting'}</Badge>
      )}
      <span>{number(pending)} waiting</span>
      {headAt !== null && <span>oldest waits {age(now - headAt)}</span>}
      {rate > 0 && <span>{number(rate)} a minute</span>}
      {priority !== 0 && <span>priority {number(priority)} s</span>}
      {worker !== null && <span className="font-mono text-xs">worker {worker}</span>}
    </span>
  );
}

function Cards({ track, now, onChange }: { track: Track; now: number; onChange: () => void }) {
  const { lane, running, next, more } = track;
  const cards = running === null ? next : [running, ...next];
  // The first place is for the running request.
  const offset = running === null ? 1 : 0;
  const width = (cards.length + offset + (more > 0 ? 1 : 0)) * STEP_REM;
  return (
    <div className="overflow-x-auto pb-1" tabIndex={0} role="region" aria-label={`Requests of lane ${lane.lane}`}>
      <ol className="relative h-24" style={{ width: `${width}rem` }}>
        {running === null && (
          <Place index={0} isEmpty>
            <span className="text-sm text-muted">{lane.paused ? 'Paused' : 'Next runs here'}</span>
          </Place>
        )}
        {cards.map((request, index) => (
          <Place key={request.id} index={index + offset} isRunning={request === running}>
            <Card request={request} isRunning={request === running} now={now} onChange={onChange} />
          </Place>
        ))}
        {more > 0 && (
          <Place key="more" index={cards.length + offset} isEmpty>
            <span className="text-sm text-muted">+ {number(more)} behind</span>
          </Place>
        )}
      </ol>
    </div>
  );
}

/** A place of the track. A request that moves forward slides to its new one, unless the reader wants less motion. */
function Place({
  index,
  isRunning,
  isEmpty,
  children,
}: {
  index: number;
  isRunning?: boolean;
  isEmpty?: boolean;
  children: ReactNode;
}) {
  return (
    <li
      style={{ transform: `translateX(${index * STEP_REM}rem)` }}
      className={classes(
        'absolute top-0 left-0 h-22 w-32 rounded-control border px-2.5 py-1.5',
        'transition-[transform,opacity] duration-300 ease-out motion-reduce:transition-none starting:opacity-0',
        isEmpty && 'grid place-items-center border-dashed text-center',
        isRunning ? 'border-accent bg-accent-soft' : !isEmpty && 'bg-surface',
      )}
    >
      {children}
    </li>
  );
}

function Card({
  request,
  isRunning,
  now,
  onChange,
}: {
  request: LiveRequest;
  isRunning: boolean;
  now: number;
  onChange: () => void;
}) {
  const { id, report, queue_position: position, created_at, started_at } = request;
  const since = Date.parse(isRunning ? (started_at ?? created_at) : created_at);
  const mayCancel = useMay('reports:write') && !isRunning;
  const cancel = async () => {
    await dataOf(client.POST('/api/requests/{id}/cancel', { params: { path: { id } } }));
    onChange();
  };
  return (
    <>
      <div className="flex min-h-6 items-center justify-between">
        <Link
          to="/app/requests/$id"
          params={{ id }}
          className="font-semibold underline-offset-2 hover:underline"
          aria-label={`Request ${position}: ${report}`}
        >
          #{position}
        </Link>
        {mayCancel && (
          <ConfirmButton
            kind="quiet"
            isSmall
            className="-mr-2 min-w-7 px-1.5"
            aria-label={`Cancel request ${position}`}
            title={`Cancel request #${position}?`}
            description="1 report will not be generated. The requests behind it move up."
            confirm="Cancel request"
            onConfirm={cancel}
          >
            ×
          </ConfirmButton>
        )}
      </div>
      <p className="truncate text-sm" title={report}>
        {report}
      </p>
      <p className="text-xs text-muted">
        {isRunning ? 'running ' : ''}
        {age(now - since)}
      </p>
    </>
  );
}
