/** The record of a run for the checker: answers to clients, callbacks at the receiver, rows of the database. */
export interface History {
  submissions: Submission[];
  cancellations: Cancellation[];
  sightings: Sighting[];
  arrivals: Arrival[];
  downloads: Download[];
  requests: RequestRow[];
  deliveries: DeliveryRow[];
  lanes: LaneRow[];
}

/** A body that a client sends until the answer is clear: one request, or a batch of them. */
export interface Submission {
  /** Its idempotency key. Without one it is sent once, whatever the answer. */
  key: string | null;
  items: Item[];
  tries: Try[];
}

/** One request of a submission. */
export interface Item {
  /** Unique, and part of the payload, by which the checker finds the request in the database. */
  marker: string;
  lane: string;
  callbackUrl: string | null;
}

/** Times are milliseconds of the one monotonic clock that clients and receivers share. */
export interface Try {
  sentAtMs: number;
  endedAtMs: number;
  /** Null: no answer came. */
  status: number | null;
  /** Of a 202, in the order of the items. */
  acknowledged: Acknowledgement[];
}

export interface Acknowledgement {
  id: string;
  lane: string;
  position: number;
}

/** A client asked to cancel a request. */
export interface Cancellation {
  id: string;
  status: number | null;
}

/** A client read a finished request. */
export interface Sighting {
  id: string;
  status: string;
  result: Record<string, unknown> | null;
}

/** The file of a report, downloaded at the end. */
export interface Download {
  id: string;
  status: number;
  /** Of the bytes that arrived, hex. */
  sha256: string;
}

/** One attempt of a callback, as the receiver saw it. */
export interface Arrival {
  /** The URL that was called, as it was given to `callback_url`. */
  url: string;
  requestId: string;
  webhookId: string;
  /** Number of the attempt, from 1. */
  attempt: number;
  body: string;
  arrivedAtMs: number;
  endedAtMs: number;
  /** The status that was sent; null when the connection ended before an answer. */
  answered: number | null;
}

export interface RequestRow {
  id: string;
  marker: string | null;
  lane: string;
  position: number;
  status: string;
  callbackUrl: string | null;
  startedAtMs: number | null;
  completedAtMs: number | null;
  result: Record<string, unknown> | null;
}

export interface DeliveryRow {
  requestId: string;
  status: string;
  attempts: number;
}

export interface LaneRow {
  name: string;
  /** Unfinished requests, by the counter of the lane. */
  pending: number;
}
