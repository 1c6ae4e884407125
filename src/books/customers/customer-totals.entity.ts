import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Customer } from './customer.entity.js';

/** The paid or shipped, unarchived orders of a customer in one currency. Changes in the transaction that moves an order. */
@Entity('customer_totals')
@Check('customer_totals_count_check', 'order_count >= 0')
@ForeignKey(() => Customer, ['accountId', 'customerId'], ['accountId', 'id'], {
  name: 'customer_totals_customer_fkey',
  onDelete: 'CASCADE',
})
@Index('customer_totals_top', { synchronize: false })
export class CustomerTotals {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'customer_id' })
  customerId!: string;

  @PrimaryColumn('text')
  currency!: string;

  @Column('bigint', { name: 'order_count' })
  orderCount!: number;

  @Column('numeric', { name: 'total_cents' })
  totalCents!: string;

  /** A copy of the customer's, for the index of the summary. */
  @Column('boolean', { name: 'is_active' })
  isActive!: boolean;
}
