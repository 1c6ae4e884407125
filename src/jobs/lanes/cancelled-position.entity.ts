import { Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Lane } from './lane.entity.js';

/**
 * A position of a lane whose request was cancelled; kept until the lane has passed it, also when the request is deleted.
 * What stands before a request follows from it and the lane's counters.
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
