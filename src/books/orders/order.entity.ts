import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Customer } from '../customers/customer.entity.js';

export const ORDER_STATUSES = ['draft', 'paid', 'shipped', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** An order of a customer. Paying it posts to the journal and fixes its items, and the customer's name and email in it. */
@Entity('orders')
@Check('orders_status_check', `status IN ('draft', 'paid', 'shipped', 'cancelled')`)
@Check('orders_currency_check', `currency ~ '^[A-Z]{3}$'`)
@Check('orders_total_check', 'total_cents BETWEEN 0 AND 9007199254740991')
@Check(
  'orders_paid_check',
  `(status IN ('draft', 'cancelled') OR paid_at IS NOT NULL)
    AND (paid_at IS NULL) = (customer_name IS NULL) AND (paid_at IS NULL) = (customer_email IS NULL)`,
)
@Check('orders_shipped_check', `(status = 'shipped') = (shipped_at IS NOT NULL)`)
@Check('orders_cancelled_check', `(status = 'cancelled') = (cancelled_at IS NOT NULL)`)
@ForeignKey(() => Customer, ['accountId', 'customerId'], ['accountId', 'id'], { name: 'orders_customer_fkey' })
@Index('orders_external_ref', ['accountId', 'externalRef'], { unique: true, where: 'external_ref IS NOT NULL' })
@Index('orders_by_account', ['accountId', 'id'])
@Index('orders_by_status', ['accountId', 'status', 'id'])
@Index('orders_by_customer', ['accountId', 'customerId', 'id'])
@Index('orders_by_placed_at', ['accountId', 'placedAt'])
export class Order {
  /** UUIDv7: a newer order has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('uuid', { name: 'customer_id' })
  customerId!: string;

  @Column('text', { default: 'draft' })
  status!: OrderStatus;

  @Column('text')
  currency!: string;

  /** Computed by the statement that writes the items. */
  @Column('bigint', { name: 'total_cents' })
  totalCents!: number;

  @Column('boolean', { name: 'is_archived', default: false })
  isArchived!: boolean;

  /** The caller's own name for the order; unique in an account. */
  @Column('text', { name: 'external_ref', nullable: true })
  externalRef!: string | null;

  /** The customer's name when the order was paid; null before. */
  @Column('text', { name: 'customer_name', nullable: true })
  customerName!: string | null;

  /** The customer's email when the order was paid; null before. */
  @Column('text', { name: 'customer_email', nullable: true })
  customerEmail!: string | null;

  @Column('timestamp with time zone', { name: 'placed_at', precision: 3, default: () => 'now()' })
  placedAt!: Date;

  @Column('timestamp with time zone', { name: 'paid_at', precision: 3, nullable: true })
  paidAt!: Date | null;

  @Column('timestamp with time zone', { name: 'shipped_at', precision: 3, nullable: true })
  shippedAt!: Date | null;

  @Column('timestamp with time zone', { name: 'cancelled_at', precision: 3, nullable: true })
  cancelledAt!: Date | null;

  /** Grows with every change. */
  @Column('integer', { default: 1 })
  version!: number;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
