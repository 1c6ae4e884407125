import type { LiveLane, LiveRequest } from '../../api/live';

/** Requests of a lane that its track shows: the running one and the next ones. */
export const SHOWN = 12;

export interface Track {
  lane: LiveLane;
  running: LiveRequest | null;
  /** The next ones, in their order. */
  next: LiveRequest[];
  /** Pending requests behind those. */
  more: number;
}

/**
 * Puts the parts of a lane together, which are read at different times.
 * @param next Pending requests, oldest first; those that started since are left out.
 */
export function trackOf(lane: LiveLane, running: LiveRequest | null, next: readonly LiveRequest[]): Track {
  const passed = running?.queue_position ?? 0;
  const shown = next
    .filter(({ queue_position: position }) => position !== null && position > passed)
    .slice(0, Math.min(SHOWN, lane.pending));
  return { lane, running, next: shown, more: lane.pending - shown.length };
}

/** @returns Lanes with work, and the others, of those whose name contains `part`. */
export function split(lanes: readonly LiveLane[], part: string): { busy: LiveLane[]; empty: LiveLane[] } {
  const text = part.toLowerCase();
  const found = lanes.filter(({ lane }) => lane.toLowerCase().includes(text));
  const isBusy = ({ pending, in_progress }: LiveLane): boolean => pending + in_progress > 0;
  return { busy: found.filter(isBusy), empty: found.filter((lane) => !isBusy(lane)) };
}
