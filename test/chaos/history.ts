/** What a run leaves behind for the checker: what clients were told, what the receiver got, what the database says. */
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
  /** Unique; it stands in the payload, so that the request can be told apart in the database however it came there. */
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

/** A client looked at a request and saw it finished. */
export interface Sighting {
  id: string;
  status: string;
  result: Record<string, unknown> | null;
}

/** A report's file, fetched when all was done. */
export interface Download {
  id: string;
  status: number;
  /** Of what came, hex. */
  sha256: string;
}

/** One attempt to deliver, as the receiver saw it. */
export interface Arrival {
  /** The URL that was called, as it was given to `callback_url`. */
  url: string;
  requestId: string;
  webhookId: string;
  /** The sender's count, from 1. */
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
  /** Unfinished requests, by the lane's own count. */
  pending: number;
}
