import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Load tests, of which one runs at a time in an installation, and what is opened for it while it runs. */
export class BenchmarkRuns1764300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE benchmark_runs (
      id uuid PRIMARY KEY,
      mode text NOT NULL,
      status text NOT NULL,
      settings json NOT NULL,
      progress json,
      result json,
      error text,
      token_hash text NOT NULL,
      receiver_url text,
      seen_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      finished_at timestamptz(3),
      CONSTRAINT benchmark_runs_mode_check CHECK (mode IN ('sync', 'async', 'both')),
      CONSTRAINT benchmark_runs_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'))
    )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX benchmark_runs_one ON benchmark_runs (status) WHERE status = 'RUNNING'`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE benchmark_runs');
  }
}
