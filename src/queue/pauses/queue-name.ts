import type { QUEUE_NAMES } from '../../platform/config/sections/queue.js';
import type { Topic } from '../work-queue.js';

/** A queue that can be paused, by the name that operators use. */
export type QueueName = (typeof QUEUE_NAMES)[number];

/** The wake-up topic of each queue's workers. */
export const TOPIC_OF: Record<QueueName, Topic> = { reports: 'jobs', callbacks: 'callbacks', mail: 'mail' };
