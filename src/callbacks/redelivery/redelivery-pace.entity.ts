import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The rate of redeliveries of one account to one destination. The row is deleted when the rate allows one at once. */
@Entity('callback_redelivery_paces')
export class RedeliveryPace {
  /** The nil UUID with `AUTH=open`. */
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** scheme://host:port */
  @PrimaryColumn('text')
  destination!: string;

  /** Earliest time of the next redelivery. */
  @Column('timestamp with time zone', { name: 'next_at' })
  nextAt!: Date;
}
