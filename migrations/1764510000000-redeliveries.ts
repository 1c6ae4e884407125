import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Callbacks can be sent again many at a time, and found by their destination. */
export class Redeliveries1764510000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE callback_redeliveries (
      id uuid PRIMARY KEY,
      account_id uuid,
      status text NOT NULL DEFAULT 'RUNNING',
      callback_status text,
      destination text,
      since timestamptz(3),
      until timestamptz(3) NOT NULL,
      matched integer NOT NULL,
      redelivered integer NOT NULL DEFAULT 0,
      last_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
      advanced_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      finished_at timestamptz(3),
      CONSTRAINT callback_redeliveries_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'CANCELLED'))
    )`);
    await queryRunner.query(`CREATE INDEX callback_redeliveries_running ON callback_redeliveries (advanced_at)
      WHERE status = 'RUNNING'`);
    await queryRunner.query('ALTER TABLE callback_deliveries ADD COLUMN redelivery_id uuid');
    await queryRunner.query(`CREATE INDEX callback_deliveries_replayed ON callback_deliveries (redelivery_id)
      WHERE status = 'PENDING' AND redelivery_id IS NOT NULL`);
    await queryRunner.query('CREATE INDEX callback_deliveries_by_destination ON callback_deliveries (destination, id)');
    // Those of a destination that mostly works would be far apart in the index before.
    await queryRunner.query(`CREATE INDEX callback_deliveries_failed ON callback_deliveries (destination, id)
      WHERE status = 'FAILED'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX callback_deliveries_failed, callback_deliveries_by_destination');
    await queryRunner.query('ALTER TABLE callback_deliveries DROP COLUMN redelivery_id');
    await queryRunner.query('DROP TABLE callback_redeliveries');
  }
}
