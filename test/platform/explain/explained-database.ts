import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { Database, type Query, type Statement } from '../../../src/platform/database/database.js';
import { positional } from '../../../src/platform/database/named-parameters.js';

/** A node of a plan, as EXPLAIN prints it. */
export interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs each statement under EXPLAIN first, with its own values, and rolls it back. */
export class ExplainedDatabase extends Database {
  readonly plans: { name: string; plan: Plan }[] = [];

  constructor(
    private readonly explainer: pg.Client,
    dataSource: DataSource,
  ) {
    super(dataSource, { DATABASE_PREPARE: false });
  }

  override readonly query: Query = async (statement, values) => {
    await this.explain(statement, positional(statement, values));
    return this.plain(statement, positional(statement, values));
  };

  /** Uses the explaining connection, which would otherwise wait for the locks of the transaction. */
  override async transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    await this.explainer.query('BEGIN');
    const isToKeep = await work(async (statement, values) => {
      const ordered = positional(statement, values);
      await this.explain(statement, ordered, ['SAVEPOINT before', 'ROLLBACK TO before']);
      return this.plain(statement, ordered);
    });
    await this.explainer.query(isToKeep ? 'COMMIT' : 'ROLLBACK');
    return isToKeep;
  }

  private async plain<Row extends object>({ text }: Pick<Statement, 'text'>, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.explainer.query<Row & pg.QueryResultRow>(text, values);
    return rows;
  }

  async explain(
    { name, text }: Pick<Statement, 'name' | 'text'>,
    values: unknown[],
    [begin, end] = ['BEGIN', 'ROLLBACK'] as [string, string],
  ): Promise<void> {
    await this.explainer.query(begin);
    const { rows } = await this.explainer.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
    await this.explainer.query(end);
    this.plans.push({ name, plan: rows[0]['QUERY PLAN'][0].Plan });
  }
}
