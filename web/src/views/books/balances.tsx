import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Filters, TextFilter, TimeFilter } from '../../ui/filters';
import { Money, Time, money, number } from '../../ui/format';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { PartLink } from './part-link';

type Balance = components['schemas']['Balance'];

/** The trial balance: now, as of a time, or after an entry. */
export default function Balances() {
  const [search] = useSearchState();
  const { as_of, through_entry } = search;
  // The API takes one of the two.
  const query = through_entry === undefined ? { as_of } : { through_entry };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/journal/balances',
    { params: { query } },
    { placeholderData: keepPreviousData },
  );
  const currencies = [...new Set(data?.balances.map(({ currency }) => currency))].toSorted();
  return (
    <>
      <Panel
        title="Balances"
        hint={
          data && (
            <>
              {data.as_of === null ? 'Through' : <Time at={data.as_of} />}
              {data.as_of === null ? '' : ', through'} entry {number(data.through_entry)}
            </>
          )
        }
        isFlush
      >
        <Filters label="Time of the balances" names={['as_of', 'through_entry']}>
          {through_entry === undefined && <TimeFilter label="As of" name="as_of" />}
          {as_of === undefined && (
            <TextFilter label="Through entry" name="through_entry" className="w-full sm:w-36" placeholder="Newest" />
          )}
        </Filters>
        {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton />}
        {!error && data?.balances.length === 0 && (
          <Empty title="Nothing is posted">Until then there is nothing to balance. Choose a later time.</Empty>
        )}
      </Panel>
      {!error &&
        currencies.map((currency) => (
          <TrialBalance
            key={currency}
            currency={currency}
            balances={data?.balances.filter((balance) => balance.currency === currency) ?? []}
          />
        ))}
    </>
  );
}

function TrialBalance({ currency, balances }: { currency: string; balances: Balance[] }) {
  const debits = balances.reduce((sum, { amount_cents }) => sum + Math.max(0, amount_cents), 0);
  const credits = balances.reduce((sum, { amount_cents }) => sum - Math.min(0, amount_cents), 0);
  const columns: Column<Balance>[] = [
    {
      head: 'Ledger account',
      cell: ({ ledger_account }) => (
        <PartLink search={{ tab: 'journal', ledger_account }}>
          <span className="font-mono text-[0.8125rem]">{ledger_account}</span>
        </PartLink>
      ),
    },
    {
      head: 'Debit',
      cell: ({ amount_cents }) => <Side cents={amount_cents} currency={currency} />,
      isNumber: true,
    },
    {
      head: 'Credit',
      cell: ({ amount_cents }) => <Side cents={-amount_cents} currency={currency} />,
      isNumber: true,
    },
  ];
  const hint =
    debits === credits
      ? `Debits and credits are ${money(debits, currency)} each: the books balance.`
      : `Debits are ${money(debits, currency)}, credits ${money(credits, currency)}.`;
  return (
    <Panel title={currency} hint={hint} isFlush>
      <Table
        caption={`Balances in ${currency}`}
        columns={columns}
        rows={balances}
        keyOf={({ ledger_account }) => ledger_account}
      />
    </Panel>
  );
}

/** An amount of one side, as wide in the table of each currency. */
function Side({ cents, currency }: { cents: number; currency: string }) {
  return (
    <span className="inline-block min-w-28 sm:min-w-48">
      {cents > 0 && <Money cents={cents} currency={currency} />}
    </span>
  );
}
