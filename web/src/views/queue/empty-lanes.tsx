import { Link } from '@tanstack/react-router';
import type { LiveLane } from '../../api/live';
import { number } from '../../ui/format';
import { Badge } from '../../ui/panel';
import { LaneActions } from './lane-actions';

/** Lanes without work, folded. */
export function EmptyLanes({ lanes, isOpen }: { lanes: LiveLane[]; isOpen: boolean }) {
  const paused = lanes.filter((lane) => lane.paused).length;
  return (
    <details open={isOpen} className="rounded-panel border bg-surface shadow-panel">
      <summary className="min-h-11 cursor-pointer px-4 py-2.5 font-medium sm:px-5">
        {number(lanes.length)} empty {lanes.length === 1 ? 'lane' : 'lanes'}
        {paused > 0 && <span className="text-muted">, {number(paused)} of them paused</span>}
      </summary>
      <ul className="border-t">
        {lanes.map((lane) => (
          <li
            key={lane.lane}
            className="flex flex-wrap items-center justify-between gap-2 border-b px-4 py-2 last:border-b-0 sm:px-5"
          >
            <span className="flex flex-wrap items-center gap-x-3">
              <Link
                to="/app/requests"
                search={{ lane: lane.lane }}
                className="font-medium break-all underline-offset-2 hover:underline"
              >
                {lane.lane}
              </Link>
              {lane.paused && <Badge tone="warn">paused</Badge>}
              {lane.priority !== 0 && <span className="text-sm text-muted">priority {number(lane.priority)} s</span>}
            </span>
            <span className="flex gap-2">
              <LaneActions lane={lane} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
