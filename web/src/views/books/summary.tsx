import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import { Filters, SelectFilter } from '../../ui/filters';
import { money, number } from '../../ui/format';
import { Bars } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { useLedger } from './ledger';
import { PartLink } from './part-link';

/** The customers who bought most, as bars. */
export default function Summary() {
  const [search] = useSearchState();
  const { currencies } = useLedger();
  const query = { currency: search['currency'], limit: Number(search['limit'] ?? 20) };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/orders/summary',
    { params: { query } },
    { placeholderData: keepPreviousData },
  );
  return (
    <Panel title="Best customers" hint="Paid and shipped orders of active customers, without archived ones" isFlush>
      <Filters label="Filter the summary" names={['currency', 'limit']}>
        <SelectFilter label="Currency" name="currency" all={data?.currency ?? 'Base'} options={currencies} />
        <SelectFilter label="Customers" name="limit" all="20" options={['50', '100', '200']} />
      </Filters>
      <div className="border-t px-4 py-4 sm:px-5">
        {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={12} />}
        {!error && data?.rows.length === 0 && (
          <Empty title={`No paid orders in ${data.currency}`}>Choose another currency, or pay an order.</Empty>
        )}
        {!error && data && (
          <Bars
            label={`Totals in ${data.currency}`}
            rows={data.rows.map((row) => ({
              name: <PartLink search={{ tab: 'orders', customer_id: row.customer_id }}>{row.email}</PartLink>,
              value: row.total_cents,
              text: (
                <>
                  <span className="mr-3 text-sm font-normal text-muted">
                    {number(row.order_count)} {row.order_count === 1 ? 'order' : 'orders'}
                  </span>
                  {money(row.total_cents, data.currency)}
                </>
              ),
            }))}
          />
        )}
      </div>
    </Panel>
  );
}
