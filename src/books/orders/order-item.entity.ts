import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation, Unique } from 'typeorm';
import { Order } from './order.entity.js';

/** One item of an order. */
@Entity('order_items')
@Unique('order_items_position_key', ['orderId', 'position'])
@Check('order_items_quantity_check', 'quantity > 0')
@Check('order_items_unit_price_check', 'unit_price_cents >= 0')
export class OrderItem {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'order_id' })
  orderId!: string;

  @ManyToOne(() => Order, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'order_id', foreignKeyConstraintName: 'order_items_order_fkey' })
  order?: Relation<Order>;

  /** Its place in the order, from 1. */
  @Column('integer')
  position!: number;

  @Column('text')
  sku!: string;

  @Column('integer')
  quantity!: number;

  @Column('bigint', { name: 'unit_price_cents' })
  unitPriceCents!: number;

  @Column({
    type: 'bigint',
    name: 'line_total_cents',
    generatedType: 'STORED',
    asExpression: 'quantity * unit_price_cents',
    insert: false,
    update: false,
  })
  lineTotalCents!: number;
}
