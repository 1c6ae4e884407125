import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands before a request is told from its lane's counters, and not by counting the backlog. */
export class CancelledPositions1765000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE cancelled_positions (
      lane text NOT NULL CONSTRAINT cancelled_positions_lane_fkey REFERENCES lanes ON DELETE CASCADE,
      queue_position bigint NOT NULL,
      PRIMARY KEY (lane, queue_position)
    )`);
    await queryRunner.query(`INSERT INTO cancelled_positions (lane, queue_position)
      SELECT r.lane, r.queue_position FROM requests r
      JOIN (SELECT lane, min(queue_position) AS position FROM requests WHERE status IN ('PENDING', 'PROCESSING') GROUP BY lane)
        AS head ON head.lane = r.lane
      WHERE r.status = 'CANCELLED' AND r.queue_position > head.position`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE cancelled_positions');
  }
}
