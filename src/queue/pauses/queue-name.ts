import type { Topic } from '../work-queue.js';

/** The queues that can be paused, by the names that operators use. */
export const QUEUE_NAMES = ['reports', 'callbacks', 'mail'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** The wake-up topic of each queue's workers. */
export const TOPIC_OF: Record<QueueName, Topic> = { reports: 'jobs', callbacks: 'callbacks', mail: 'mail' };
