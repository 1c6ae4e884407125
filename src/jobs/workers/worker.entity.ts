import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A worker process that writes heartbeats. */
@Entity('workers')
export class Worker {
  /** The worker id, which its leases carry. */
  @PrimaryColumn('text')
  id!: string;

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, default: () => 'now()' })
  startedAt!: Date;

  @Column('timestamp with time zone', { name: 'seen_at', precision: 3, default: () => 'now()' })
  seenAt!: Date;
}
