import { describe, expect, it } from '@jest/globals';
import { RULES, check } from './checker.js';
import type { Arrival, DeliveryRow, History, RequestRow, Submission } from './history.js';

const HERE = 'http://127.0.0.1:1/hook';
const THERE = 'http://127.0.0.1:2/hook';

/**
 * A history without violations. Request 2 was sent twice under its key, and the first response was lost. 3 was
 * cancelled and its callback sent at once. 4 was sent by a process that was killed, and again by the next one. The
 * first attempt of 5 failed, and 6 is dead. 7 has no callback URL. 8 and 9 are a batch, and 9 never got a 2xx response.
 * 10 is in another lane.
 */
function goodHistory(): History {
  const requests = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((position) => request('a', position));
  requests[2] = { ...requests[2]!, status: 'CANCELLED', startedAtMs: null, result: null };
  requests[5]!.callbackUrl = THERE;
  requests[6]!.callbackUrl = null;
  requests.push(request('b', 1));
  return {
    requests,
    lanes: [
      { name: 'a', pending: 0 },
      { name: 'b', pending: 0 },
    ],
    submissions: [
      submission([requests[0]!], 0),
      repeated(submission([requests[1]!], 10)),
      ...[2, 3, 4, 5, 6].map((index) => submission([requests[index]!], 10 * index)),
      submission([requests[7]!, requests[8]!], 70),
      submission([requests[9]!], 70),
    ],
    cancellations: [
      { id: 'a3', status: 200 },
      { id: 'a4', status: 409 },
      { id: 'a5', status: null },
    ],
    sightings: [
      { id: 'a1', status: 'COMPLETED', result: { sum: 'a1', sha256: 'hash a1' } },
      { id: 'a3', status: 'CANCELLED', result: null },
    ],
    downloads: requests.map(({ id }) => ({ id, status: 200, sha256: `hash ${id}` })),
    deliveries: requests.filter(({ callbackUrl }) => callbackUrl).map(deliveryOf),
    arrivals: [
      arrival(requests[2], 90),
      arrival(requests[0]!, 100),
      arrival(requests[1]!, 200),
      arrival(requests[3]!, 300, { answered: null, endedAtMs: 450 }),
      arrival(requests[3]!, 400),
      arrival(requests[4]!, 500, { answered: 500 }),
      arrival(requests[7]!, 510),
      arrival(requests[8]!, 600),
      arrival(requests[4]!, 605, { attempt: 2 }),
      ...[1, 2, 3, 4].map((attempt) => arrival(requests[5]!, 510 + 100 * attempt, { attempt, answered: 503 })),
      arrival(requests[9]!, 95),
    ],
  };
}

function request(lane: string, position: number): RequestRow {
  const id = `${lane}${position}`;
  const times = { startedAtMs: 100 * position, completedAtMs: 100 * position + 99 };
  return {
    id,
    marker: `marker ${id}`,
    lane,
    position,
    status: 'COMPLETED',
    callbackUrl: HERE,
    ...times,
    result: { sum: id, sha256: `hash ${id}` },
  };
}

function submission(rows: RequestRow[], sentAtMs: number): Submission {
  const items = rows.map(({ marker, lane, callbackUrl }) => ({ marker: marker!, lane, callbackUrl }));
  const acknowledged = rows.map(({ id, lane, position }) => ({ id, lane, position }));
  return {
    key: `key ${rows[0]!.id}`,
    items,
    tries: [{ sentAtMs, endedAtMs: sentAtMs + 5, status: 202, acknowledged }],
  };
}

/** Its first answer is lost, and after the second it is sent once more. */
function repeated(sent: Submission): Submission {
  const [answered] = sent.tries;
  return { ...sent, tries: [{ ...answered!, status: null, acknowledged: [] }, answered!, answered!] };
}

function deliveryOf({ id, callbackUrl }: RequestRow): DeliveryRow {
  return {
    requestId: id,
    status: callbackUrl === THERE ? 'FAILED' : 'SUCCESS',
    attempts: callbackUrl === THERE ? 4 : 1,
  };
}

function arrival({ id, callbackUrl }: RequestRow, arrivedAtMs: number, overrides: Partial<Arrival> = {}): Arrival {
  const times = { arrivedAtMs, endedAtMs: arrivedAtMs + 9 };
  const body = JSON.stringify({ request_id: id, ...(id !== 'a3' && { sum: id, sha256: `hash ${id}` }) });
  return {
    url: callbackUrl!,
    requestId: id,
    webhookId: `msg ${id}`,
    attempt: 1,
    body,
    ...times,
    answered: 200,
    ...overrides,
  };
}

const requestOf = (history: History, id: string) => history.requests.find((row) => row.id === id)!;
const arrivalOf = (history: History, id: string) => history.arrivals.find(({ requestId }) => requestId === id)!;
const deliveryIn = (history: History, id: string) => history.deliveries.find(({ requestId }) => requestId === id)!;
const without = <T>(items: T[], isGone: (item: T) => boolean) => items.splice(items.findIndex(isGone), 1);

/** For each rule, changes to the history that break it. */
const BROKEN: [rule: string, how: string, breakIt: (history: History) => void][] = [
  ['every acknowledged request', 'one is lost', ({ requests }) => without(requests, ({ id }) => id === 'a9')],
  ['every acknowledged request', 'one never starts', (h) => (requestOf(h, 'a9').status = 'PENDING')],
  ['every acknowledged request', 'one failed', (h) => (requestOf(h, 'a9').status = 'FAILED')],
  [
    'every acknowledged request',
    'one was cancelled without a cancellation',
    (h) => (requestOf(h, 'a9').status = 'CANCELLED'),
  ],
  [
    'every acknowledged request',
    'one has a different position from its acknowledgement',
    (h) => (requestOf(h, 'b1').lane = 'c'),
  ],
  [
    'requests that were not acknowledged end',
    'one stays in progress',
    (h) => h.requests.push({ ...request('a', 10), status: 'PROCESSING' }),
  ],
  ['requests that were not acknowledged end', 'the counter of a lane is too high', (h) => (h.lanes[0]!.pending = 1)],
  ['positions of a lane have no gap', 'there is a gap', (h) => (requestOf(h, 'a9').position = 10)],
  ['positions of a lane have no gap', 'there is a duplicate', (h) => h.requests.push(request('b', 1))],
  ['reports of a lane are generated one after the other', 'two overlap', (h) => (requestOf(h, 'a5').startedAtMs = 498)],
  [
    'reports of a lane are generated one after the other',
    'two are swapped',
    (h) => Object.assign(requestOf(h, 'a8'), { startedAtMs: 900, completedAtMs: 910 }),
  ],
  [
    'reports of a lane are generated one after the other',
    'one has no start',
    (h) => (requestOf(h, 'a5').startedAtMs = null),
  ],
  [
    'reports of a lane are generated one after the other',
    'one ends before its start',
    (h) => (requestOf(h, 'a1').completedAtMs = 99),
  ],
  [
    'a request that was acknowledged before another was sent',
    'the later one has the lower position',
    (h) => Object.assign(h.submissions[0]!.tries[0]!, { sentAtMs: 16, endedAtMs: 17 }),
  ],
  [
    'requests of a batch have consecutive positions',
    'another request is in between',
    (h) => (h.submissions[7]!.tries[0]!.acknowledged[1]!.position = 10),
  ],
  [
    'requests of a batch have consecutive positions',
    'half of it is accepted',
    (h) => h.submissions[7]!.tries[0]!.acknowledged.pop(),
  ],
  ['a confirmed cancellation', 'its report was generated', (h) => (requestOf(h, 'a3').status = 'COMPLETED')],
  ['no request shows two results', 'two deliveries have two results', (h) => (h.arrivals[4]!.body = '{"sum":"other"}')],
  [
    'no request shows two results',
    'the database has another result',
    (h) => (requestOf(h, 'a1').result = { sum: 'other' }),
  ],
  ['no request shows two results', 'a client saw another result', (h) => (h.sightings[0]!.result = { sum: 'other' })],
  [
    'no request shows two results',
    'it was generated again after it finished',
    (h) => (h.sightings[1]!.status = 'COMPLETED'),
  ],
  [
    'every finished request is delivered',
    'there is no delivery',
    (h) => without(h.deliveries, ({ requestId }) => requestId === 'a8'),
  ],
  ['every finished request is delivered', 'there are two deliveries', (h) => h.deliveries.push(deliveryIn(h, 'a8'))],
  ['every finished request is delivered', 'it stays pending', (h) => (deliveryIn(h, 'a8').status = 'PENDING')],
  ['every finished request is delivered', 'it never arrived', (h) => (arrivalOf(h, 'a8').answered = null)],
  ['every finished request is delivered', 'it is dead too early', (h) => (deliveryIn(h, 'a6').attempts = 3)],
  [
    'every finished request is delivered',
    'it has no callback URL',
    (h) => h.deliveries.push({ ...deliveryIn(h, 'a8'), requestId: 'a7' }),
  ],
  ['the file of every completed report', 'it is lost', (h) => (h.downloads[0]!.status = 404)],
  ['the file of every completed report', 'it is cut short', (h) => (h.downloads[0]!.sha256 = 'other')],
  ['callbacks go to the URL of their request', 'one goes to another URL', (h) => (arrivalOf(h, 'a8').url = THERE)],
  [
    'callbacks go to the URL of their request',
    'one is for an unknown request',
    (h) => h.arrivals.push(arrival(request('c', 1), 1)),
  ],
  [
    'callbacks of one request, and of no other',
    'a retry has another id',
    (h) => (h.arrivals[4]!.webhookId = 'msg other'),
  ],
  [
    'callbacks of one request, and of no other',
    'two requests share one',
    (h) => (arrivalOf(h, 'b1').webhookId = 'msg a1'),
  ],
  [
    'first deliveries of a lane',
    'two are swapped',
    (h) => Object.assign(arrivalOf(h, 'a2'), { arrivedAtMs: 50, endedAtMs: 59 }),
  ],
  ['first deliveries of a lane', 'one does not wait for the previous one', (h) => (arrivalOf(h, 'a1').endedAtMs = 201)],
  [
    'no idempotency key is accepted twice',
    'two requests have one key',
    (h) => (requestOf(h, 'a4').marker = 'marker a2'),
  ],
  [
    'no idempotency key is accepted twice',
    'a repeat gets another request',
    (h) => (h.submissions[1]!.tries[2] = h.submissions[3]!.tries[0]!),
  ],
  ['no idempotency key is accepted twice', 'a request has no submission', (h) => (requestOf(h, 'a4').marker = null)],
  [
    'clients get only answers that they can act on',
    'a submission is 500',
    (h) => (h.submissions[1]!.tries[0]!.status = 500),
  ],
  [
    'clients get only answers that they can act on',
    'the cancellation of an accepted request is 404',
    (h) => (h.cancellations[1]!.status = 404),
  ],
];

describe('check', () => {
  it('reports nothing for a history without violations', () => {
    expect(check(goodHistory())).toEqual([]);
  });

  it.each(BROKEN)('%s…: fails if %s', (rule, _how, breakIt) => {
    const history = structuredClone(goodHistory());
    breakIt(history);
    const broken = check(history).map((violation) => violation.rule);
    expect(broken).toContainEqual(expect.stringContaining(rule));
  });

  it('has a test for every rule', () => {
    const untested = Object.keys(RULES).filter((rule) => !BROKEN.some(([tested]) => rule.startsWith(tested)));
    expect(untested).toEqual([]);
  });
});
