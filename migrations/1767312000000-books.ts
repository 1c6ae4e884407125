import type { MigrationInterface, QueryRunner } from 'typeorm';

const ORDERS = [
  // Trusted since Postgres 13: the owner of the database may create it.
  `CREATE EXTENSION IF NOT EXISTS pg_trgm`,
  // account_id has no foreign key: accounts are never deleted, and an open installation's books have a fixed id.
  `CREATE TABLE customers (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT customers_account_key UNIQUE (account_id, id)
  )`,
  `CREATE UNIQUE INDEX customers_email ON customers (account_id, lower(email))`,
  `CREATE INDEX customers_email_search ON customers USING gin (lower(email) gin_trgm_ops)`,

  // The customer's name and email are fixed when the order is paid. The foreign key keeps an order in its customer's account.
  `CREATE TABLE orders (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'draft',
    currency text NOT NULL,
    total_cents bigint NOT NULL,
    is_archived boolean NOT NULL DEFAULT false,
    external_ref text,
    customer_name text,
    customer_email text,
    placed_at timestamptz(3) NOT NULL DEFAULT now(),
    paid_at timestamptz(3),
    shipped_at timestamptz(3),
    cancelled_at timestamptz(3),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT orders_customer_fkey FOREIGN KEY (account_id, customer_id) REFERENCES customers (account_id, id),
    CONSTRAINT orders_status_check CHECK (status IN ('draft', 'paid', 'shipped', 'cancelled')),
    CONSTRAINT orders_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT orders_total_check CHECK (total_cents BETWEEN 0 AND 9007199254740991),
    CONSTRAINT orders_paid_check CHECK ((status IN ('draft', 'cancelled') OR paid_at IS NOT NULL)
      AND (paid_at IS NULL) = (customer_name IS NULL) AND (paid_at IS NULL) = (customer_email IS NULL)),
    CONSTRAINT orders_shipped_check CHECK ((status = 'shipped') = (shipped_at IS NOT NULL)),
    CONSTRAINT orders_cancelled_check CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
  )`,
  `CREATE UNIQUE INDEX orders_external_ref ON orders (account_id, external_ref) WHERE external_ref IS NOT NULL`,
  `CREATE INDEX orders_by_account ON orders (account_id, id)`,
  `CREATE INDEX orders_by_status ON orders (account_id, status, id)`,
  `CREATE INDEX orders_by_customer ON orders (account_id, customer_id, id)`,
  `CREATE INDEX orders_by_placed_at ON orders (account_id, placed_at)`,

  `CREATE TABLE order_items (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT order_items_order_fkey REFERENCES orders ON DELETE CASCADE,
    position integer NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    unit_price_cents bigint NOT NULL,
    line_total_cents bigint NOT NULL GENERATED ALWAYS AS (quantity * unit_price_cents) STORED,
    CONSTRAINT order_items_position_key UNIQUE (order_id, position),
    CONSTRAINT order_items_quantity_check CHECK (quantity > 0),
    CONSTRAINT order_items_unit_price_check CHECK (unit_price_cents >= 0)
  )`,

  // TypeORM looks up the expressions of generated columns here, and creates the table before it runs migrations. A view
  // instead: rows of the table name the database, and would no longer apply to a copy with another name.
  `DROP TABLE IF EXISTS typeorm_metadata`,
  `CREATE VIEW typeorm_metadata AS SELECT 'GENERATED_COLUMN'::varchar AS type, current_database()::varchar AS database,
    current_schema()::varchar AS schema, 'order_items'::varchar AS "table", 'line_total_cents'::varchar AS name,
    'quantity * unit_price_cents'::text AS value`,

  // The summary's running totals: paid or shipped, unarchived orders. They change in the transaction that moves the order.
  // Numeric, because a sum of totals can exceed a bigint.
  `CREATE TABLE customer_totals (
    account_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    order_count bigint NOT NULL,
    total_cents numeric NOT NULL,
    is_active boolean NOT NULL,
    PRIMARY KEY (account_id, customer_id, currency),
    CONSTRAINT customer_totals_customer_fkey FOREIGN KEY (account_id, customer_id) REFERENCES customers (account_id, id)
      ON DELETE CASCADE,
    CONSTRAINT customer_totals_count_check CHECK (order_count >= 0)
  )`,
  `CREATE INDEX customer_totals_top ON customer_totals (account_id, currency, total_cents DESC, customer_id)
    WHERE is_active AND order_count > 0`,
];

const IMPORTS = [
  `CREATE TABLE order_imports (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'running',
    rows bigint NOT NULL DEFAULT 0,
    created bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    heartbeat_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz(3),
    CONSTRAINT order_imports_status_check CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    CONSTRAINT order_imports_finished_check CHECK ((status = 'running') = (finished_at IS NULL))
  )`,
  `CREATE INDEX order_imports_by_account ON order_imports (account_id, id)`,
  `CREATE INDEX order_imports_by_created_at ON order_imports (created_at)`,
  `CREATE TABLE order_import_errors (
    import_id uuid NOT NULL CONSTRAINT order_import_errors_import_fkey REFERENCES order_imports ON DELETE CASCADE,
    ordinal integer NOT NULL,
    row bigint NOT NULL,
    external_ref text,
    field text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (import_id, ordinal)
  )`,
];

const JOURNAL = [
  // One row per account. It is the last row that a posting locks, so numbers follow the order of commits and have no gaps.
  `CREATE TABLE journal_counters (
    account_id uuid PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0,
    last_recorded_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE TABLE journal_entries (
    account_id uuid NOT NULL,
    number bigint NOT NULL,
    effective_at timestamptz(3) NOT NULL,
    recorded_at timestamptz(3) NOT NULL,
    kind text NOT NULL,
    source_type text,
    source_id uuid,
    memo text,
    reverses bigint,
    PRIMARY KEY (account_id, number),
    CONSTRAINT journal_entries_reverses_fkey FOREIGN KEY (account_id, reverses) REFERENCES journal_entries (account_id, number),
    CONSTRAINT journal_entries_number_check CHECK (number > 0),
    CONSTRAINT journal_entries_reverses_check CHECK (reverses < number),
    CONSTRAINT journal_entries_source_check CHECK ((source_type IS NULL) = (source_id IS NULL))
  )`,
  // An entry is reversed once, and an order or booking is posted once of each kind.
  `CREATE UNIQUE INDEX journal_entries_reversal ON journal_entries (account_id, reverses) WHERE reverses IS NOT NULL`,
  `CREATE UNIQUE INDEX journal_entries_source ON journal_entries (source_id, kind) WHERE source_id IS NOT NULL`,
  `CREATE INDEX journal_entries_by_effective_at ON journal_entries (account_id, effective_at, number)`,

  // Debits are positive, credits negative.
  `CREATE TABLE journal_lines (
    account_id uuid NOT NULL,
    number bigint NOT NULL,
    line integer NOT NULL,
    ledger_account text NOT NULL,
    currency text NOT NULL,
    amount_cents bigint NOT NULL,
    customer_id uuid,
    PRIMARY KEY (account_id, number, line),
    CONSTRAINT journal_lines_entry_fkey FOREIGN KEY (account_id, number) REFERENCES journal_entries (account_id, number),
    CONSTRAINT journal_lines_amount_check CHECK (amount_cents <> 0),
    CONSTRAINT journal_lines_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT journal_lines_ledger_account_check
      CHECK (ledger_account ~ '^(assets|liabilities|equity|income|expenses)(:[a-z0-9-]+){1,4}$')
  )`,
  `CREATE INDEX journal_lines_by_ledger_account ON journal_lines (account_id, ledger_account, number)`,
  `CREATE INDEX journal_lines_by_customer ON journal_lines (account_id, customer_id, number) WHERE customer_id IS NOT NULL`,

  // Closed months, by their first day in UTC. Reopening deletes the row.
  `CREATE TABLE closed_periods (
    account_id uuid NOT NULL,
    month date NOT NULL,
    closed_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, month),
    CONSTRAINT closed_periods_month_check CHECK (date_part('day', month) = 1)
  )`,

  // Totals of complete blocks of entries: over all folded blocks, by block, and by effective day and hour (UTC). A complete block
  // never changes, so they are computed behind the postings; balances add the lines of the entries after the last folded
  // block. Numeric, because a sum of amounts can exceed a bigint.
  `CREATE TABLE journal_folds (
    account_id uuid PRIMARY KEY,
    blocks bigint NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE journal_totals (
    account_id uuid NOT NULL,
    ledger_account text NOT NULL,
    currency text NOT NULL,
    amount_cents numeric NOT NULL,
    PRIMARY KEY (account_id, ledger_account, currency)
  )`,
  `CREATE TABLE journal_block_totals (
    account_id uuid NOT NULL,
    block bigint NOT NULL,
    ledger_account text NOT NULL,
    currency text NOT NULL,
    amount_cents numeric NOT NULL,
    PRIMARY KEY (account_id, block, ledger_account, currency)
  )`,
  `CREATE TABLE journal_day_totals (
    account_id uuid NOT NULL,
    day date NOT NULL,
    ledger_account text NOT NULL,
    currency text NOT NULL,
    amount_cents numeric NOT NULL,
    PRIMARY KEY (account_id, day, ledger_account, currency)
  )`,
  `CREATE TABLE journal_hour_totals (
    account_id uuid NOT NULL,
    hour timestamptz(3) NOT NULL,
    ledger_account text NOT NULL,
    currency text NOT NULL,
    amount_cents numeric NOT NULL,
    PRIMARY KEY (account_id, hour, ledger_account, currency)
  )`,
];

/**
 * The database keeps the journal's promises for every role, whatever the program does. Error codes: DBK01 the period is
 * closed, DBK02 an entry does not balance, DBK03 a posted entry would change, DBK04 the numbers or the times of recording
 * would be out of order.
 */
const JOURNAL_RULES = [
  // Runs behind the lock on the account's counter, so it sees every period that was closed before this posting.
  `CREATE FUNCTION journal_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      closed date;
      broken bigint;
    BEGIN
      SELECT p.month INTO closed FROM added e JOIN closed_periods p ON p.account_id = e.account_id
        AND p.month = date_trunc('month', e.effective_at AT TIME ZONE 'UTC')::date LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'The period % is closed', to_char(closed, 'YYYY-MM') USING ERRCODE = 'DBK01';
      END IF;
      SELECT a.first INTO broken
        FROM (SELECT account_id, min(number) AS first, max(number) AS last, count(*) AS entries,
          min(recorded_at) AS recorded_at FROM added GROUP BY account_id) a
        LEFT JOIN journal_entries p ON p.account_id = a.account_id AND p.number = a.first - 1
        WHERE a.entries <> a.last - a.first + 1 OR (a.first > 1 AND (p.number IS NULL OR p.recorded_at > a.recorded_at))
        LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'Entry % does not follow the entry before it', broken USING ERRCODE = 'DBK04';
      END IF;
      RETURN NULL;
    END $$`,
  `CREATE TRIGGER journal_entries_order AFTER INSERT ON journal_entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION journal_check_entries()`,
  // Whether a transaction that wrote a visible row has ended; false for the current one and for its savepoints. Extends the
  // id to 64 bits by its distance from the current one.
  `CREATE FUNCTION journal_is_ended(id xid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(pg_xact_status((now_id + (id::text::bigint - now_id % 4294967296 + 6442450944) % 4294967296
      - 2147483648)::text::xid8), 'committed') <> 'in progress'
    FROM (SELECT pg_current_xact_id()::text::bigint AS now_id) c $$`,
  // Each statement must add whole entries: lines cannot join an entry of another transaction.
  `CREATE FUNCTION journal_check_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE broken bigint;
    BEGIN
      SELECT number INTO broken FROM added GROUP BY account_id, number, currency HAVING sum(amount_cents) <> 0 LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'Entry % does not balance', broken USING ERRCODE = 'DBK02';
      END IF;
      SELECT e.number INTO broken FROM (SELECT DISTINCT account_id, number FROM added) a
        JOIN journal_entries e USING (account_id, number)
        WHERE e.xmin <> pg_current_xact_id()::xid AND journal_is_ended(e.xmin) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'Entry % is posted and cannot change', broken USING ERRCODE = 'DBK03';
      END IF;
      RETURN NULL;
    END $$`,
  `CREATE TRIGGER journal_lines_balance AFTER INSERT ON journal_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION journal_check_lines()`,
  `CREATE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'Posted entries cannot change' USING ERRCODE = 'DBK03';
    END $$`,
  ...['journal_entries', 'journal_lines'].flatMap((table) => [
    `CREATE TRIGGER ${table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()`,
    `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_refuse_change`,
  ]),
  `ALTER TABLE journal_entries ENABLE ALWAYS TRIGGER journal_entries_order`,
  `ALTER TABLE journal_lines ENABLE ALWAYS TRIGGER journal_lines_balance`,
];

/** The books: customers, orders, their running totals, and the journal. */
export class Books1767312000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of [...ORDERS, ...IMPORTS, ...JOURNAL, ...JOURNAL_RULES]) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP VIEW typeorm_metadata`);
    await queryRunner.query(`DROP TABLE journal_hour_totals, journal_day_totals, journal_block_totals, journal_totals, journal_folds, closed_periods,
      journal_lines, journal_entries, journal_counters, order_import_errors, order_imports, customer_totals, order_items, orders, customers`);
    await queryRunner.query(
      `DROP FUNCTION journal_check_entries, journal_check_lines, journal_is_ended, journal_refuse_change`,
    );
  }
}
