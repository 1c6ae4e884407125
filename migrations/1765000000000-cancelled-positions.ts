import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands before a request is told from its lane's counters, and not by counting the backlog. */
export class CancelledPositions1765000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE cancelled_positions (
      lane text NOT NULL CONSTRAINT cancelled_positions_lane_fkey REFERENCES lanes ON DELETE CASCADE,
      queue_position bigint NOT NULL,
      PRIMARY KEY (lane, queue_position)
    )`);
    // Behind a lane's head whatever is not unfinished was cancelled, also where the request was deleted since.
    await queryRunner.query(`INSERT INTO cancelled_positions (lane, queue_position)
      SELECT l.name, position FROM lanes l
      JOIN (SELECT lane, min(queue_position) AS first FROM requests WHERE status IN ('PENDING', 'PROCESSING') GROUP BY lane)
        AS head ON head.lane = l.name
      CROSS JOIN generate_series(head.first + 1, l.next_position - 1) AS position
      WHERE NOT EXISTS (SELECT FROM requests r WHERE r.lane = l.name AND r.queue_position = position
        AND r.status IN ('PENDING', 'PROCESSING'))`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE cancelled_positions');
  }
}
