/** The input of the checker: responses to clients, callbacks at the receivers, and rows of the database. */
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

/** A request or batch that a client sent until the response was clear. */
export interface Submission {
  /** The idempotency key. A submission without one is sent once. */
  key: string | null;
  items: Item[];
  tries: Try[];
}

/** One request of a submission. */
export interface Item {
  /** A unique part of the payload, by which the checker finds the request in the database. */
  marker: string;
  lane: string;
  callbackUrl: string | null;
}

/** Times are milliseconds of the monotonic clock that clients and receivers share. */
export interface Try {
  sentAtMs: number;
  endedAtMs: number;
  /** Null: no response. */
  status: number | null;
  /** The requests in a 202, in the order of the items. */
  acknowledged: Acknowledgement[];
}

export interface Acknowledgement {
  id: string;
  lane: string;
  position: number;
}

/** The response to a cancellation. */
export interface Cancellation {
  id: string;
  status: number | null;
}

/** A finished request, as a client read it. */
export interface Sighting {
  id: string;
  status: string;
  result: Record<string, unknown> | null;
}

/** The file of a report, downloaded after the run. */
export interface Download {
  id: string;
  status: number;
  /** Hex digest of the downloaded bytes. */
  sha256: string;
}

/** One attempt of a callback, as the receiver saw it. */
export interface Arrival {
  /** The called URL, which is the request's `callback_url`. */
  url: string;
  requestId: string;
  webhookId: string;
  /** Attempt number, from 1. */
  attempt: number;
  body: string;
  arrivedAtMs: number;
  endedAtMs: number;
  /** The status that the receiver sent; null when the connection ended before it. */
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
  /** The lane's counter of unfinished requests. */
  pending: number;
}
