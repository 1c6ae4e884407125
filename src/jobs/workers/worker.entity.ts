import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A worker process that is alive, by its own word every few seconds. */
@Entity('workers')
export class Worker {
  /** The name that its leases carry. */
  @PrimaryColumn('text')
  id!: string;

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, default: () => 'now()' })
  startedAt!: Date;

  @Column('timestamp with time zone', { name: 'seen_at', precision: 3, default: () => 'now()' })
  seenAt!: Date;
}
