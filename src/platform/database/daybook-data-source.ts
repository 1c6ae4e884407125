import { DataSource, type QueryRunner } from 'typeorm';
import { mapOutage, throughConflicts } from './outages.js';

/**
 * TypeORM's data source, whose repositories, query builders and query runners throw {@link DatabaseUnavailable} while
 * Postgres is away, as {@link Database} does. All of them run their statements through a query runner.
 */
export class DaybookDataSource extends DataSource {
  override createQueryRunner(...given: Parameters<DataSource['createQueryRunner']>): QueryRunner {
    const runner = super.createQueryRunner(...given);
    const connect = runner.connect.bind(runner);
    const query = runner.query.bind(runner) as (...values: unknown[]) => Promise<unknown>;
    return Object.assign(runner, {
      connect: () => connect().catch(rethrow),
      query: (...values: unknown[]) => {
        const run = () => query(...values);
        // A statement of a transaction fails with all of it.
        return (runner.isTransactionActive ? run() : throughConflicts(run)).catch(rethrow);
      },
    });
  }
}

function rethrow(error: unknown): never {
  throw mapOutage(error);
}
