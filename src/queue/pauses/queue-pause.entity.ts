import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import type { QueueName } from './queue-name.js';

/** A paused queue. Workers start nothing of it while the row exists. */
@Entity('queue_pauses')
@Check('queue_pauses_queue_check', `queue IN ('reports', 'callbacks', 'mail')`)
export class QueuePause {
  @PrimaryColumn('text')
  queue!: QueueName;

  @Column('timestamp with time zone', { name: 'paused_at', precision: 3, default: () => 'now()' })
  pausedAt!: Date;
}
