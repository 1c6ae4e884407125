import type { ReactNode } from 'react';
import { Money, Time } from '../../../ui/format';
import { Panel } from '../../../ui/panel';
import { type Column, Table } from '../../../ui/table';
import { kindOf } from '../entry';
import { PartLink } from '../part-link';
import { type Row, type Section, centsOf } from './statement';

/** A row of the file, or one of the balances around them. */
interface Line {
  key: string;
  row: Row;
  /** The words of a balance; null for a row of the file. */
  balance: string | null;
}

function Amount({ row, name, currency, isStrong }: { row: Row; name: string; currency: string; isStrong: boolean }) {
  const amount = <Money cents={centsOf(row, name)} currency={currency} />;
  return isStrong ? <strong>{amount}</strong> : amount;
}

const account = (name: unknown): ReactNode => (
  <PartLink search={{ tab: 'journal', ledger_account: String(name) }}>
    <span className="font-mono text-[0.8125rem]">{String(name)}</span>
  </PartLink>
);

/** One currency of the trial balance, with its totals. */
export function TrialBalance({ section: { title, currency, rows, totals } }: { section: Section }) {
  const amount = (head: string, name: string, isExtra = false): Column<Line> => ({
    head,
    cell: ({ row, balance }) => <Amount {...{ row, name, currency }} isStrong={balance !== null} />,
    isNumber: true,
    isExtra,
  });
  const columns: Column<Line>[] = [
    {
      head: 'Ledger account',
      cell: ({ row, balance }) => (balance === null ? account(row['ledger_account']) : <strong>{balance}</strong>),
    },
    amount('Opening', 'opening'),
    amount('Debits', 'debits'),
    amount('Credits', 'credits'),
    amount('Net', 'net', true),
    amount('Closing', 'closing'),
  ];
  const lines: Line[] = [
    ...rows.map((row) => ({ key: String(row['ledger_account']), row, balance: null })),
    { key: 'total', row: totals, balance: 'Total' },
  ];
  return (
    <Panel title={title} isFlush>
      <Table caption={`Trial balance in ${title}`} columns={columns} rows={lines} keyOf={({ key }) => key} />
    </Panel>
  );
}

/** The lines of a ledger account or a customer between their opening and closing balance. */
export function StatementTable({ section }: { section: Section }) {
  const { title, currency, rows, totals } = section;
  const lines: Line[] = [
    { key: 'opening', row: { balance_cents: centsOf(totals, 'opening') }, balance: 'Opening balance' },
    ...rows.map((row) => ({ key: `${row['number']}.${row['line']}`, row, balance: null })),
    { key: 'closing', row: { ...totals, balance_cents: centsOf(totals, 'closing') }, balance: 'Closing balance' },
  ];
  return (
    <Panel title={title} isFlush>
      <Table caption={`Statement of ${title}`} columns={columnsOf(currency)} rows={lines} keyOf={({ key }) => key} />
    </Panel>
  );
}

function columnsOf(currency: string): Column<Line>[] {
  return [
    {
      head: 'Counts at',
      cell: ({ row, balance }) => balance === null && <Time at={String(row['effective_at'])} show="day" />,
    },
    {
      head: 'Entry',
      cell: ({ row, balance }) =>
        balance === null && (
          <PartLink search={{ tab: 'journal', id: String(row['number']) }}>{String(row['number'])}</PartLink>
        ),
    },
    {
      head: 'Text',
      cell: ({ row, balance }) =>
        balance === null ? (
          <span className="block max-w-72 min-w-28">{row['memo'] ?? kindOf({ kind: String(row['kind']) })}</span>
        ) : (
          <strong className="whitespace-nowrap">{balance}</strong>
        ),
    },
    { head: 'Debit', cell: (line) => <Side line={line} side="debits" currency={currency} />, isNumber: true },
    { head: 'Credit', cell: (line) => <Side line={line} side="credits" currency={currency} />, isNumber: true },
    {
      head: 'Balance',
      cell: ({ row, balance }) => <Amount row={row} name="balance" currency={currency} isStrong={balance !== null} />,
      isNumber: true,
    },
  ];
}

/** The amount of a line on its side; the sum of a side in the row of the closing balance. */
function Side({
  line: { row, balance },
  side,
  currency,
}: {
  line: Line;
  side: 'debits' | 'credits';
  currency: string;
}) {
  if (balance !== null) {
    return `${side}_cents` in row && <Amount row={row} name={side} currency={currency} isStrong />;
  }
  const cents = (side === 'debits' ? 1 : -1) * centsOf(row, 'amount');
  return cents > 0 && <Money cents={cents} currency={currency} />;
}
