import { isDeepStrictEqual } from 'node:util';
import type { Arrival, History, RequestRow, Submission } from './history.js';

/** A violation of a rule. */
export interface Violation {
  rule: string;
  what: string;
}

/** Attempts of a delivery before it is dead. Some responses end it earlier. */
const ATTEMPTS = 4;
/** Responses that a client can act on during faults. Null: the connection ended without a response. */
const EXPECTED_ANSWERS = new Set<number | null>([null, 202, 409, 503]);

/**
 * The rules of the contract. Each returns its violations in a history. They use the API and the tables, but none of the
 * product's code.
 */
export const RULES: Record<string, (history: History) => string[]> = {
  'every acknowledged request is completed, or cancelled by its client': ({ submissions, cancellations, requests }) => {
    const rows = byKey(requests, ({ id }) => id);
    const asked = new Set(cancellations.map(({ id }) => id));
    return acknowledgements(submissions).flatMap(({ id, lane, position }) => {
      const [row] = rows.get(id) ?? [];
      if (!row) return `${id} was acknowledged and is not in the database`;
      if (row.lane !== lane || row.position !== position)
        return `${id} was acknowledged as ${lane} #${position} and is ${at(row)}`;
      if (row.status === 'COMPLETED' || (row.status === 'CANCELLED' && asked.has(id))) return [];
      return `${at(row)} is ${row.status}`;
    });
  },

  'requests that were not acknowledged end too, and the counters of lanes are right': ({ requests, lanes }) => [
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

  'reports of a lane are generated one after the other, in the order of their positions': ({ requests }) =>
    each(
      byKey(requests.filter(isGenerated), ({ lane }) => lane),
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

  'a request that was acknowledged before another was sent is before it in the lane': ({ submissions }) => {
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

  'requests of a batch have consecutive positions': ({ submissions }) =>
    submissions.flatMap(({ tries, items }) =>
      tries.flatMap(({ acknowledged }) => {
        if (acknowledged.length === 0) return [];
        if (acknowledged.length !== items.length) return `${items.length} requests got ${acknowledged.length} answers`;
        return each(
          byKey(acknowledged, ({ lane }) => lane),
          (ofLane) =>
            ofLane.flatMap(({ id, position }, index) =>
              position === ofLane[0]!.position + index ? [] : `${id} does not follow its batch`,
            ),
        );
      }),
    ),

  'a confirmed cancellation is final': ({ cancellations, requests }) => {
    const rows = byKey(requests, ({ id }) => id);
    return cancellations.flatMap(({ id, status }) => {
      const was = rows.get(id)?.[0]?.status;
      return status === 200 && was !== 'CANCELLED' ? `${id} was cancelled and is ${was}` : [];
    });
  },

  'no request shows two results': ({ requests, arrivals, sightings }) => {
    const seen = byKey(sightings, ({ id }) => id);
    const arrived = byKey(arrivals, ({ requestId }) => requestId);
    return requests.flatMap((row) => {
      const bodies = [...new Set((arrived.get(row.id) ?? []).map(({ body }) => body))];
      if (bodies.length > 1) return `${at(row)} was delivered with ${bodies.length} bodies`;
      if (bodies[0] && !holds(bodies[0], row.result)) return `The callback of ${at(row)} had another result`;
      const others = (seen.get(row.id) ?? []).filter(
        ({ status, result }) => status !== row.status || !isDeepStrictEqual(result, row.result),
      );
      return others.length > 0 ? `${at(row)} was read as ${others[0]!.status} with another result` : [];
    });
  },

  'the file of every completed report can be downloaded and is intact': ({ requests, downloads }) => {
    const files = byKey(downloads, ({ id }) => id);
    return requests.flatMap((row) => {
      if (row.result?.sha256 === undefined) return [];
      const [file] = files.get(row.id) ?? [];
      if (file?.status !== 200) return `The file of ${at(row)} gets ${file?.status}`;
      return file.sha256 === row.result.sha256 ? [] : `The file of ${at(row)} does not have its checksum`;
    });
  },

  'every finished request is delivered, or its delivery is dead': ({ requests, deliveries, arrivals }) => {
    const due = byKey(deliveries, ({ requestId }) => requestId);
    const arrived = byKey(arrivals, ({ requestId }) => requestId);
    return requests
      .filter(({ status }) => isEnded(status))
      .flatMap((row) => {
        const [delivery, second] = due.get(row.id) ?? [];
        if (row.callbackUrl === null) return delivery ? `${at(row)} has a delivery without a callback URL` : [];
        if (!delivery) return `${at(row)} has no delivery`;
        if (second) return `${at(row)} has two deliveries`;
        const answers = (arrived.get(row.id) ?? []).map(({ answered }) => answered);
        if (delivery.status === 'SUCCESS')
          return answers.some(isSuccess) ? [] : `The callback of ${at(row)} is SUCCESS and did not arrive`;
        if (delivery.status !== 'FAILED') return `The callback of ${at(row)} is ${delivery.status}`;
        const isDead = delivery.attempts >= ATTEMPTS || answers.some(isFinal);
        return isDead ? [] : `The callback of ${at(row)} was given up after ${delivery.attempts} attempts`;
      });
  },

  'callbacks go to the URL of their request, and only for requests': ({ requests, arrivals }) => {
    const rows = byKey(requests, ({ id }) => id);
    return arrivals.flatMap(({ requestId, url }) => {
      const [row] = rows.get(requestId) ?? [];
      return row && row.callbackUrl === url && isEnded(row.status) ? [] : `${url} got a callback for ${requestId}`;
    });
  },

  'callbacks of one request, and of no other, have one webhook-id': ({ arrivals }) => [
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

  // Retries are not ordered. The callback of a cancelled request is sent at once, so it is not ordered either. A first
  // attempt that was repeated after a crash counts from its first arrival. The receiver does not know when an attempt
  // without a response ended.
  'first deliveries of a lane to a destination begin in queue order, each after the one before has ended': ({
    requests,
    arrivals,
  }) => {
    const firsts = new Map<string, Arrival>();
    for (const arrival of arrivals.toSorted((a, b) => a.arrivedAtMs - b.arrivedAtMs)) {
      if (arrival.attempt === 1 && !firsts.has(arrival.requestId)) firsts.set(arrival.requestId, arrival);
    }
    const sent = requests.filter((row) => isGenerated(row) && firsts.has(row.id));
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

  'no idempotency key is accepted twice, and every request has a submission': ({ submissions, requests }) => {
    const accepted = byKey(requests, ({ marker }) => marker ?? '');
    const submitted = submissions.flatMap(({ items }) => items.map(({ marker }) => marker));
    const unknown = new Set(accepted.keys());
    for (const marker of submitted) unknown.delete(marker);
    const replays = submissions.flatMap(({ key, tries }) => {
      const answers = new Set(
        tries.filter(({ status }) => status === 202).map(({ acknowledged }) => JSON.stringify(acknowledged)),
      );
      return answers.size > 1 ? `Key ${key} got ${answers.size} different answers` : [];
    });
    return [
      ...replays,
      ...submitted.flatMap((marker) =>
        (accepted.get(marker)?.length ?? 0) > 1 ? `${marker} was accepted ${accepted.get(marker)!.length} times` : [],
      ),
      ...[...unknown].map((marker) => `"${marker}" was not submitted`),
    ];
  },

  'clients get only answers that they can act on': ({ submissions, cancellations }) => [
    ...submissions
      .flatMap(({ tries }) => tries)
      .flatMap(({ status }) => (EXPECTED_ANSWERS.has(status) ? [] : `A submission got ${status}`)),
    ...cancellations.flatMap(({ id, status }) =>
      EXPECTED_ANSWERS.has(status) || status === 200 ? [] : `The cancellation of ${id} got ${status}`,
    ),
  ],
};

/** Returns every violation of a promise in a history. */
export function check(history: History): Violation[] {
  return Object.entries(RULES).flatMap(([rule, broken]) => broken(history).map((what) => ({ rule, what })));
}

const isEnded = (status: string): boolean => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);
const isGenerated = ({ status }: RequestRow): boolean => status === 'COMPLETED' || status === 'FAILED';
const isSuccess = (status: number | null): boolean => status !== null && status >= 200 && status < 300;
const isFinal = (status: number | null): boolean => status !== null && status >= 300 && status < 500;
const at = ({ lane, position, id }: RequestRow): string => `${lane} #${position} (${id})`;

const inOrder = (rows: RequestRow[]): RequestRow[] => rows.toSorted((a, b) => a.position - b.position);

const acknowledgements = (submissions: Submission[]) =>
  submissions.flatMap(({ tries }) => tries.flatMap(({ acknowledged }) => acknowledged));

/** Whether the body of a callback contains every field of a result. */
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
