/** What there may be work in. */
export const TOPICS = ['jobs', 'callbacks'] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * The wake-up port. A wake-up carries no truth, it says that there is work in Postgres. It may come twice or not at all:
 * whoever wakes looks for work until there is none, and the sweeper makes good what was lost.
 */
export abstract class WorkQueue {
  /** Announces work. Returns at once and never fails: a wake-up that cannot be sent is logged and left to the sweeper. */
  abstract wake(topic: Topic): void;
}

/** What a worker does when it is woken; resolves when it can take no more for now. */
export type WakeHandler = () => Promise<void>;

/** Those who consume wake-ups that come from elsewhere. */
export abstract class QueueConsumers {
  /** Here and not by Nest, which would wait for a Redis that is away. */
  abstract close(): Promise<void>;
}
