import { expect, it } from 'vitest';
import type { LiveLane, LiveRequest } from '../../api/live';
import { SHOWN, split, trackOf } from './track';

const lane = (pending: number, in_progress = 0, name = 'a') => ({ lane: name, pending, in_progress }) as LiveLane;
const request = (queue_position: number) => ({ id: String(queue_position), queue_position }) as LiveRequest;
const requests = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => request(from + i));

it('leaves out requests that started since they were read', () => {
  const track = trackOf(lane(2, 1), request(3), requests(2, 5));
  expect(track.next.map(({ queue_position }) => queue_position)).toEqual([4, 5]);
  expect(track.more).toBe(0);
});

it('counts those that it does not show', () => {
  const track = trackOf(lane(980), null, requests(1, 12));
  expect([track.next.length, track.more]).toEqual([SHOWN, 968]);
});

it('shows no more than are pending', () => {
  expect(trackOf(lane(1), null, requests(1, 4)).next).toHaveLength(1);
});

it('folds lanes without work, and searches names', () => {
  const lanes = [lane(0, 0, 'Nightly'), lane(3, 0, 'night-2'), lane(0, 1, 'partner')];
  const { busy, empty } = split(lanes, 'NIGHT');
  expect([busy.map((l) => l.lane), empty.map((l) => l.lane)]).toEqual([['night-2'], ['Nightly']]);
});
