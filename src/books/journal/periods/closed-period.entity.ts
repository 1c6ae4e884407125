import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** A month (UTC) into which nothing can be posted. Reopening it deletes the row. */
@Entity('closed_periods')
@Check('closed_periods_month_check', `date_part('day', month) = 1`)
export class ClosedPeriod {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** The first day, as YYYY-MM-DD. */
  @PrimaryColumn('date')
  month!: string;

  @Column('timestamp with time zone', { name: 'closed_at', precision: 3, default: () => 'now()' })
  closedAt!: Date;
}
