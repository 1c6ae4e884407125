import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Callbacks can be sent again by hand, and in three orders; each order finds what is next by an index of its own. */
export class CallbackOrder1764150000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE callback_deliveries ADD COLUMN schedule_start integer NOT NULL DEFAULT 0');
    await queryRunner.query(`ALTER TABLE callback_logs ADD COLUMN trigger text NOT NULL DEFAULT 'first'`);
    await queryRunner.query(`CREATE INDEX callback_deliveries_strict
      ON callback_deliveries (lane, destination, queue_position) WHERE status = 'PENDING'`);
    await queryRunner.query(`CREATE INDEX callback_deliveries_unordered
      ON callback_deliveries (next_attempt_at) WHERE status = 'PENDING' AND attempts = 0`);
    // Most end as SUCCESS; those are found by id.
    await queryRunner.query(`CREATE INDEX callback_deliveries_by_status
      ON callback_deliveries (status, id) WHERE status <> 'SUCCESS'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'DROP INDEX callback_deliveries_by_status, callback_deliveries_unordered, callback_deliveries_strict',
    );
    await queryRunner.query('ALTER TABLE callback_logs DROP COLUMN trigger');
    await queryRunner.query('ALTER TABLE callback_deliveries DROP COLUMN schedule_start');
  }
}
