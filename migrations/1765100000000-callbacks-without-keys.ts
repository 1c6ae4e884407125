import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Both are written by statements that have just locked what they refer to, and go in the statement that deletes the
  // request: looking it up again cost each of them, and wrote its row once more each time.
  `ALTER TABLE callback_deliveries DROP CONSTRAINT callback_deliveries_request_id_fkey`,
  `ALTER TABLE callback_logs DROP CONSTRAINT callback_logs_request_id_fkey`,
  `ALTER TABLE callback_logs DROP COLUMN id`,
  `ALTER TABLE callback_logs ADD CONSTRAINT callback_logs_pkey PRIMARY KEY USING INDEX callback_logs_attempt`,
];

const DOWN = [
  `ALTER TABLE callback_logs DROP CONSTRAINT callback_logs_pkey`,
  `ALTER TABLE callback_logs ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY`,
  `CREATE UNIQUE INDEX callback_logs_attempt ON callback_logs (request_id, attempt_number)`,
  `ALTER TABLE callback_logs ADD CONSTRAINT callback_logs_request_id_fkey
    FOREIGN KEY (request_id) REFERENCES requests (id) ON DELETE CASCADE`,
  `ALTER TABLE callback_deliveries ADD CONSTRAINT callback_deliveries_request_id_fkey
    FOREIGN KEY (request_id) REFERENCES requests (id) ON DELETE CASCADE`,
];

/** Deliveries and attempts cost no look-up of their request; an attempt is named by its request and its number. */
export class CallbacksWithoutKeys1765100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await queryRunner.query(statement);
  }
}
