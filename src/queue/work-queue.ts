/** Kinds of work that workers are woken for. */
export const TOPICS = ['jobs', 'callbacks', 'mail'] as const;
export type Topic = (typeof TOPICS)[number];

/** The driver of the wake-up port, and the version of its server. */
export interface QueueState {
  driver: 'in-process' | 'redis';
  version: string | null;
}

/**
 * The wake-up port. A wake-up carries no data: it says that there is work in Postgres. It may be delivered twice or not at
 * all, because a worker looks for work until it finds none, and the sweeper finds work whose wake-up was lost.
 */
export abstract class WorkQueue {
  /** Announces work. Returns at once and never fails: a wake-up that cannot be sent is logged and left to the sweeper. */
  abstract wake(topic: Topic): void;

  /** Asks the server of the driver. Rejects while wake-ups cannot be sent. */
  state(): Promise<QueueState> {
    return Promise.resolve({ driver: 'in-process', version: null });
  }
}

/** The consumer of a topic. Resolves when there is no more work that it can take now. */
export type WakeHandler = () => Promise<void>;

/** The consumers of wake-ups that come from outside this process. */
export abstract class QueueConsumers {
  /** Closes the consumers. Nest's own shutdown would wait for a Redis that cannot be reached. */
  abstract close(): Promise<void>;
}
