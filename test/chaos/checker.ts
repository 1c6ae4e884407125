import { isDeepStrictEqual } from 'node:util';
import type { Arrival, History, RequestRow, Submission } from './history.js';

/** One broken promise. */
export interface Violation {
  rule: string;
  what: string;
}

/** Attempts that a delivery gets before it is dead, unless an answer was final. */
const ATTEMPTS = 4;
/** An answer that a client under chaos can act on. Everything else but a 202 says that something is wrong with us. */
const MAY_BE_ANSWERED = new Set<number | null>([null, 202, 409, 503]);

/** The promises of the contract, each with what breaks it in a history. Nothing here knows how the product keeps them. */
export const RULES: Record<string, (history: History) => string[]> = {
  'every request that was answered 202 is completed, or cancelled by its client': ({
    submissions,
    cancellations,
    requests,
  }) => {
    const rows = byKey(requests, ({ id }) => id);
    const asked = new Set(cancellations.map(({ id }) => id));
    return acknowledgements(submissions).flatMap(({ id, lane, position }) => {
      const [row] = rows.get(id) ?? [];
      if (!row) return `${id} was answered 202 and is not in the database`;
      if (row.lane !== lane || row.position !== position)
        return `${id} was told ${lane} #${position}, and is ${at(row)}`;
      if (row.status === 'COMPLETED' || (row.status === 'CANCELLED' && asked.has(id))) return [];
      return `${at(row)} is ${row.status}`;
    });
  },

  'a request that nobody was told of ends too, and the counts of a lane tell the truth': ({ requests, lanes }) => [
    ...requests.filter(({ status }) => !isEnded(status)).map((row) => `${at(row)} is ${row.status}`),
    ...lanes.filter(({ pending }) => pending !== 0).map(({ name, pending }) => `${name} counts ${pending} unfinished`),
  ],

  'positions of a lane have no gap and no repeat': ({ requests }) =>
    each(
      byKey(requests, ({ lane }) => lane),
      (rows) =>
        inOrder(rows).flatMap((row, index) =>
          row.position === index + 1 ? [] : `${at(row)} is request ${index + 1} of its lane`,
        ),
    ),

  'requests of a lane are made one after the other, in the order of their positions': ({ requests }) =>
    each(
      byKey(requests.filter(isMade), ({ lane }) => lane),
      (rows) =>
        inOrder(rows).flatMap((row, index, all) => {
          if (row.startedAtMs === null || row.completedAtMs === null) return `${at(row)} has no time`;
          if (row.completedAtMs < row.startedAtMs) return `${at(row)} ended before it began`;
          const before = all[index - 1]?.completedAtMs ?? 0;
          return row.startedAtMs < before
            ? `${at(row)} began ${before - row.startedAtMs} ms before the one before it ended`
            : [];
        }),
    ),

  'who was acknowledged before another was sent stands before it in the lane': ({ submissions }) => {
    const places = submissions.flatMap(({ tries }) => {
      const sentAtMs = tries[0]?.sentAtMs ?? 0;
      const answer = tries.find(({ acknowledged }) => acknowledged.length > 0);
      return (answer?.acknowledged ?? []).map(({ id, lane, position }) => {
        return { id, lane, position, sentAtMs, knownAtMs: answer!.endedAtMs };
      });
    });
    return each(
      byKey(places, ({ lane }) => lane),
      (ofLane) => {
        const known = ofLane.toSorted((a, b) => a.knownAtMs - b.knownAtMs);
        let next = 0;
        let highest = 0;
        return ofLane
          .toSorted((a, b) => a.sentAtMs - b.sentAtMs)
          .flatMap(({ id, lane, position, sentAtMs }) => {
            for (; next < known.length && known[next]!.knownAtMs < sentAtMs; next++) {
              highest = Math.max(highest, known[next]!.position);
            }
            return position < highest ? `${id} is ${lane} #${position}, sent after #${highest} was acknowledged` : [];
          });
      },
    );
  },

  'a batch stands together': ({ submissions }) =>
    submissions.flatMap(({ tries, items }) =>
      tries.flatMap(({ acknowledged }) => {
        if (acknowledged.length === 0) return [];
        if (acknowledged.length !== items.length) return `${items.length} requests got ${acknowledged.length} answers`;
        return each(
          byKey(acknowledged, ({ lane }) => lane),
          (ofLane) =>
            ofLane.flatMap(({ id, position }, index) =>
              position === ofLane[0]!.position + index ? [] : `${id} is apart from its batch`,
            ),
        );
      }),
    ),

  'a cancellation that was confirmed holds': ({ cancellations, requests }) => {
    const rows = byKey(requests, ({ id }) => id);
    return cancellations.flatMap(({ id, status }) => {
      const was = rows.get(id)?.[0]?.status;
      return status === 200 && was !== 'CANCELLED' ? `${id} was cancelled and is ${was}` : [];
    });
  },

  'no request is made twice to a visible result': ({ requests, arrivals, sightings }) => {
    const seen = byKey(sightings, ({ id }) => id);
    const told = byKey(arrivals, ({ requestId }) => requestId);
    return requests.flatMap((row) => {
      const bodies = [...new Set((told.get(row.id) ?? []).map(({ body }) => body))];
      if (bodies.length > 1) return `${at(row)} was delivered with ${bodies.length} bodies`;
      if (bodies[0] && !holds(bodies[0], row.result)) return `${at(row)} was delivered with another result than it has`;
      const others = (seen.get(row.id) ?? []).filter(
        ({ status, result }) => status !== row.status || !isDeepStrictEqual(result, row.result),
      );
      return others.length > 0 ? `${at(row)} was seen ${others[0]!.status} with another result than it has` : [];
    });
  },

  'the file of every completed report is there, whole': ({ requests, downloads }) => {
    const files = byKey(downloads, ({ id }) => id);
    return requests.flatMap((row) => {
      if (row.result?.sha256 === undefined) return [];
      const [file] = files.get(row.id) ?? [];
      if (file?.status !== 200) return `The file of ${at(row)} is answered ${file?.status}`;
      return file.sha256 === row.result.sha256 ? [] : `The file of ${at(row)} is not the one that was made`;
    });
  },

  'every finished request is delivered, or its delivery is dead': ({ requests, deliveries, arrivals }) => {
    const owed = byKey(deliveries, ({ requestId }) => requestId);
    const told = byKey(arrivals, ({ requestId }) => requestId);
    return requests
      .filter(({ status }) => isEnded(status))
      .flatMap((row) => {
        const [delivery, second] = owed.get(row.id) ?? [];
        if (row.callbackUrl === null) return delivery ? `${at(row)} owes a callback that nobody asked for` : [];
        if (!delivery) return `${at(row)} owes no callback`;
        if (second) return `${at(row)} owes its callback twice`;
        const answers = (told.get(row.id) ?? []).map(({ answered }) => answered);
        if (delivery.status === 'SUCCESS')
          return answers.some(isSuccess) ? [] : `${at(row)} is delivered, and never arrived`;
        if (delivery.status !== 'FAILED') return `The callback of ${at(row)} is ${delivery.status}`;
        const isDead = delivery.attempts >= ATTEMPTS || answers.some(isFinal);
        return isDead ? [] : `The callback of ${at(row)} was given up after ${delivery.attempts} attempts`;
      });
  },

  'deliveries go where their request said, and of nothing but requests': ({ requests, arrivals }) => {
    const rows = byKey(requests, ({ id }) => id);
    return arrivals.flatMap(({ requestId, url }) => {
      const [row] = rows.get(requestId) ?? [];
      return row && row.callbackUrl === url && isEnded(row.status) ? [] : `${url} was told of ${requestId}`;
    });
  },

  'deliveries of one request, and of no other, carry one webhook-id': ({ arrivals }) => [
    ...each(
      byKey(arrivals, ({ requestId }) => requestId),
      (all) => {
        const ids = new Set(all.map(({ webhookId }) => webhookId));
        return ids.size === 1 ? [] : [`${all[0]!.requestId} came as ${[...ids].join(' and ')}`];
      },
    ),
    ...each(
      byKey(arrivals, ({ webhookId }) => webhookId),
      (all) => {
        const requests = new Set(all.map(({ requestId }) => requestId));
        return requests.size === 1 ? [] : [`${all[0]!.webhookId} came for ${[...requests].join(' and ')}`];
      },
    ),
  ],

  // A first attempt that did not get through is followed by a retry, which holds up nobody and is held up by nobody; one
  // that was made again, because its sender died, counts from its first arrival. A request that was cancelled is told of
  // when it is, before its turn. And an attempt whose connection ended without an answer ended at a time that only its
  // sender knows.
  'first deliveries of a lane to a destination begin in queue order, each after the one before has ended': ({
    requests,
    arrivals,
  }) => {
    const firsts = new Map<string, Arrival>();
    for (const arrival of arrivals.toSorted((a, b) => a.arrivedAtMs - b.arrivedAtMs)) {
      if (arrival.attempt === 1 && !firsts.has(arrival.requestId)) firsts.set(arrival.requestId, arrival);
    }
    const sent = requests.filter((row) => isMade(row) && firsts.has(row.id));
    return each(
      byKey(sent, ({ lane, callbackUrl }) => `${lane} ${new URL(callbackUrl!).origin}`),
      (stream) =>
        inOrder(stream).flatMap((row, index, all) => {
          const before = index > 0 ? firsts.get(all[index - 1]!.id)! : null;
          const { arrivedAtMs } = firsts.get(row.id)!;
          if (!before) return [];
          if (arrivedAtMs < before.arrivedAtMs) return `${at(row)} arrived before ${at(all[index - 1]!)}`;
          const isEarly = before.answered !== null && arrivedAtMs < before.endedAtMs;
          return isEarly ? `${at(row)} arrived before ${at(all[index - 1]!)} was answered` : [];
        }),
    );
  },

  'no key does the work twice, and no work is invented': ({ submissions, requests }) => {
    const made = byKey(requests, ({ marker }) => marker ?? '');
    const wanted = submissions.flatMap(({ items }) => items.map(({ marker }) => marker));
    const invented = new Set(made.keys());
    for (const marker of wanted) invented.delete(marker);
    const answers = submissions.flatMap(({ key, tries }) => {
      const told = new Set(
        tries.filter(({ status }) => status === 202).map(({ acknowledged }) => JSON.stringify(acknowledged)),
      );
      return told.size > 1 ? `Key ${key} was answered in ${told.size} ways` : [];
    });
    return [
      ...answers,
      ...wanted.flatMap((marker) =>
        (made.get(marker)?.length ?? 0) > 1 ? `${marker} was accepted ${made.get(marker)!.length} times` : [],
      ),
      ...[...invented].map((marker) => `Nobody asked for "${marker}"`),
    ];
  },

  'whatever fails, a client gets an answer it can act on': ({ submissions, cancellations }) => [
    ...submissions
      .flatMap(({ tries }) => tries)
      .flatMap(({ status }) => (MAY_BE_ANSWERED.has(status) ? [] : `A submission was answered ${status}`)),
    ...cancellations.flatMap(({ id, status }) =>
      MAY_BE_ANSWERED.has(status) || status === 200 ? [] : `The cancellation of ${id} was answered ${status}`,
    ),
  ],
};

/** Pure: every promise that a history breaks. */
export function check(history: History): Violation[] {
  return Object.entries(RULES).flatMap(([rule, broken]) => broken(history).map((what) => ({ rule, what })));
}

const isEnded = (status: string): boolean => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);
const isMade = ({ status }: RequestRow): boolean => status === 'COMPLETED' || status === 'FAILED';
const isSuccess = (status: number | null): boolean => status !== null && status >= 200 && status < 300;
const isFinal = (status: number | null): boolean => status !== null && status >= 300 && status < 500;
const at = ({ lane, position, id }: RequestRow): string => `${lane} #${position} (${id})`;

const inOrder = (rows: RequestRow[]): RequestRow[] => rows.toSorted((a, b) => a.position - b.position);

const acknowledgements = (submissions: Submission[]) =>
  submissions.flatMap(({ tries }) => tries.flatMap(({ acknowledged }) => acknowledged));

/** Whether a callback's body tells this result: each of its members, as it is. */
function holds(body: string, result: RequestRow['result']): boolean {
  const message = JSON.parse(body) as Record<string, unknown>;
  return Object.entries(result ?? {}).every(([name, value]) => isDeepStrictEqual(message[name], value));
}

function byKey<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function each<T>(groups: Map<string, T[]>, look: (group: T[]) => string[]): string[] {
  return [...groups.values()].flatMap(look);
}
