import type { MigrationInterface, QueryRunner } from 'typeorm';

const EVENTS = [
  // The organizer and account have no foreign keys: users and accounts are never deleted, and an open installation's books
  // have a fixed id.
  `CREATE TABLE events (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    organizer_id uuid NOT NULL,
    organizer_name text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    date timestamptz(3) NOT NULL,
    location text NOT NULL,
    total_tickets integer NOT NULL,
    tickets_sold integer NOT NULL DEFAULT 0,
    price_cents bigint NOT NULL,
    currency text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    cancelled_at timestamptz(3),
    CONSTRAINT events_tickets_check CHECK (tickets_sold BETWEEN 0 AND total_tickets),
    CONSTRAINT events_price_check CHECK (price_cents >= 0),
    CONSTRAINT events_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT events_status_check CHECK (status IN ('active', 'cancelled')),
    CONSTRAINT events_cancelled_check CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
  )`,
  `CREATE INDEX events_by_date ON events (date, id) WHERE status = 'active'`,
  `CREATE INDEX events_by_organizer ON events (organizer_id, date, id) WHERE status = 'active'`,
  `CREATE INDEX events_search ON events USING gin (lower(title || ' ' || description) gin_trgm_ops) WHERE status = 'active'`,
  `CREATE INDEX events_location ON events USING gin (lower(location) gin_trgm_ops) WHERE status = 'active'`,
];

const BOOKINGS = [
  // A booking keeps its price, the title of the event, and the name and email that its customer had. An event with bookings is cancelled, not deleted.
  `CREATE TABLE bookings (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    event_id uuid NOT NULL CONSTRAINT bookings_event_fkey REFERENCES events,
    event_title text NOT NULL,
    customer_id uuid NOT NULL,
    customer_name text NOT NULL,
    customer_email text NOT NULL,
    num_tickets integer NOT NULL,
    price_cents bigint NOT NULL,
    currency text NOT NULL,
    total_cents bigint NOT NULL,
    status text NOT NULL DEFAULT 'confirmed',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    cancelled_at timestamptz(3),
    CONSTRAINT bookings_tickets_check CHECK (num_tickets > 0),
    CONSTRAINT bookings_price_check CHECK (price_cents >= 0),
    CONSTRAINT bookings_total_check CHECK (total_cents = num_tickets * price_cents),
    CONSTRAINT bookings_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT bookings_status_check CHECK (status IN ('confirmed', 'cancelled')),
    CONSTRAINT bookings_cancelled_check CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
  )`,
  `CREATE INDEX bookings_by_event ON bookings (event_id, id)`,
  `CREATE INDEX bookings_by_customer ON bookings (customer_id, id)`,
];

/** Events and the bookings of their tickets. */
export class Tickets1767571200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of [...EVENTS, ...BOOKINGS]) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE bookings, events');
  }
}
