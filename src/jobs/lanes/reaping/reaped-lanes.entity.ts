import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The lanes of one account that were reaped, in one number. */
@Entity('reaped_lanes')
export class ReapedLanes {
  /** The account's id, or `-` for the lanes of an open installation. */
  @PrimaryColumn('text')
  account!: string;

  /** The first position of lanes that begin from now on: behind every position of the reaped ones. */
  @Column('bigint', { name: 'next_position' })
  nextPosition!: number;
}
