import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { type LiveLane, type LiveRequest, useLive } from '../../api/live';
import { compact, number } from '../../ui/format';
import { Page } from '../../ui/page';
import { Badge, Panel, Stat } from '../../ui/panel';
import { Empty, Skeleton } from '../../ui/states';
import { TextField } from '../../ui/field';
import { EmptyLanes } from './empty-lanes';
import { LaneTrack } from './lane-track';
import { split } from './track';

const PATH = '/app/queue';
/** Lanes that the live state has. */
const MAX_LANES = 200;
/** Tracks at a time: each reads the head of its lane. */
const MAX_TRACKS = 20;

/** The lanes as tracks, on which requests move forward. */
export function QueueView() {
  // A lane runs one request at a time, so these are the heads of the busy lanes.
  const { state, isConnected } = useLive({ status: 'PROCESSING', limit: MAX_LANES });
  return (
    <Page
      title="Queue"
      intro="Each lane runs its requests one by one, in the order in which they were accepted."
      actions={isConnected ? <Badge tone="good">Live</Badge> : <Badge tone="warn">Connecting</Badge>}
    >
      {state === null ? (
        <Panel title="Lanes">
          <Skeleton rows={8} />
        </Panel>
      ) : (
        <Lanes lanes={state.lanes} running={state.requests} />
      )}
    </Page>
  );
}

function Lanes({ lanes, running }: { lanes: LiveLane[]; running: LiveRequest[] }) {
  const { lane: part = '' } = useSearch({ from: PATH });
  const navigate = useNavigate({ from: PATH });
  const now = useNow();
  const { busy, empty } = split(lanes, part);
  const shown = busy.slice(0, MAX_TRACKS);
  const heads = new Map(running.map((request) => [request.lane, request]));
  return (
    <>
      <Figures lanes={lanes} />
      <TextField
        label="Find a lane"
        type="search"
        className="max-w-sm"
        placeholder="Part of its name"
        value={part}
        onChange={(event) =>
          void navigate({ search: { lane: event.target.value || undefined }, replace: true, resetScroll: false })
        }
      />
      {lanes.length === 0 && (
        <Panel>
          <Empty title="No lanes yet">A lane begins with its first async request. Make one in Generate.</Empty>
        </Panel>
      )}
      {lanes.length > 0 && busy.length === 0 && (
        <Panel>
          <Empty title={part === '' ? 'All lanes are empty' : 'No busy lane has this name'}>
            {part === '' ? 'Every accepted request has ended.' : 'Look below, or search for another one.'}
          </Empty>
        </Panel>
      )}
      {shown.map((lane) => (
        <LaneTrack key={lane.lane} lane={lane} running={heads.get(lane.lane) ?? null} tracks={shown.length} now={now} />
      ))}
      {busy.length > shown.length && (
        <p className="text-muted">
          {number(busy.length - shown.length)} more lanes have work. Find one by its name to see its track.
        </p>
      )}
      {lanes.length >= MAX_LANES && (
        <p className="text-muted">These are the first {number(MAX_LANES)} lanes by name.</p>
      )}
      {empty.length > 0 && <EmptyLanes lanes={empty} isOpen={part !== '' && busy.length === 0} />}
    </>
  );
}

function Figures({ lanes }: { lanes: LiveLane[] }) {
  const sum = (of: (lane: LiveLane) => number): number => lanes.reduce((total, lane) => total + of(lane), 0);
  const paused = lanes.filter((lane) => lane.paused).length;
  const busy = lanes.filter(({ pending, in_progress }) => pending + in_progress > 0).length;
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Stat label="Waiting" value={compact(sum(({ pending }) => pending))} hint="requests" />
      <Stat label="Running" value={number(sum(({ in_progress }) => in_progress))} hint="one a lane at most" />
      <Stat label="Lanes with work" value={number(busy)} hint={`of ${number(lanes.length)}`} />
      <Stat
        label="Paused lanes"
        value={number(paused)}
        hint="accept requests, and run none"
        tone={paused > 0 ? 'warn' : undefined}
      />
    </dl>
  );
}

/** The time, each second, for ages that grow. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
