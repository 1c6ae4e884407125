import { Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Lane } from './lane.entity.js';

/**
 * The position of a cancelled request, kept until the lane has passed it, even if the request is deleted. `jobs_ahead` is
 * computed from these positions and the lane's counters.
 */
@Entity('cancelled_positions')
export class CancelledPosition {
  @PrimaryColumn('text', { name: 'lane' })
  laneName!: string;

  @ManyToOne(() => Lane, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'lane', foreignKeyConstraintName: 'cancelled_positions_lane_fkey' })
  lane?: Relation<Lane>;

  @PrimaryColumn('bigint', { name: 'queue_position' })
  queuePosition!: number;
}
