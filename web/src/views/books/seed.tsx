import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { number } from '../../ui/format';
import { Empty } from '../../ui/states';
import { announce, announceError } from '../../ui/toast';

/** Shown while the books are empty. In production no demo data can be added, as far as the caller can see it. */
export function SeedOffer() {
  const mayWrite = useMay('books:write');
  const isOperator = useMay('operator');
  const settings = api.useQuery('get', '/api/settings', {}, { enabled: isOperator });
  const isProduction = settings.data?.settings.some(({ name, value }) => name === 'NODE_ENV' && value === 'production');
  const [isBusy, setBusy] = useState(false);
  async function seed(): Promise<void> {
    setBusy(true);
    try {
      const { customers, orders } = await dataOf(client.POST('/api/dev/seed', { body: {} }));
      announce('The demo data is there', `${number(customers)} customers with ${number(orders)} orders`);
      await queryClient.invalidateQueries();
    } catch (error) {
      announceError(error);
    } finally {
      setBusy(false);
    }
  }
  if (!mayWrite) return <Empty title="No orders yet">This key may read the books, but not write to them.</Empty>;
  return (
    <Empty title="No orders yet">
      <p>Add a customer and an order, import a file{isProduction ? '.' : ', or look around with generated ones.'}</p>
      {!isProduction && (
        <Button kind="primary" className="mt-4" isBusy={isBusy} onClick={() => void seed()}>
          Add 100 customers with 500 orders
        </Button>
      )}
    </Empty>
  );
}
