import { Entity, PrimaryColumn } from 'typeorm';

/**
 * A position of a lane whose request was cancelled; kept until the lane has passed it, also when the request is deleted.
 * What stands before a request follows from it and the lane's counters.
 */
@Entity('cancelled_positions')
export class CancelledPositionEntity {
  @PrimaryColumn('text')
  lane!: string;

  @PrimaryColumn('bigint', { name: 'queue_position' })
  queuePosition!: number;
}
