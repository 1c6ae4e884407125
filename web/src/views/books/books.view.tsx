import { type ComponentType, Suspense, lazy } from 'react';
import { useMay } from '../../api/session';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { Skeleton } from '../../ui/states';
import { type Tab, Tabs, useTab } from '../../ui/tabs';

const PARTS: (Tab & { Part: ComponentType })[] = [
  { id: 'orders', title: 'Orders', Part: lazy(() => import('./orders')) },
  { id: 'customers', title: 'Customers', Part: lazy(() => import('./customers')) },
  { id: 'summary', title: 'Summary', Part: lazy(() => import('./summary')) },
  { id: 'journal', title: 'Journal', Part: lazy(() => import('./journal')) },
  { id: 'balances', title: 'Balances', Part: lazy(() => import('./balances')) },
  { id: 'periods', title: 'Periods', Part: lazy(() => import('./periods')) },
];
const STATEMENTS = { id: 'statements', title: 'Statements', Part: lazy(() => import('./statements/statements')) };
const IMPORT = { id: 'import', title: 'Import', Part: lazy(() => import('./import/import')) };

/** Orders and customers, the journal that they post to, and its balances. */
export function BooksView() {
  const mayImport = useMay('books:write');
  const mayMake = useMay('reports:write');
  const mayRead = useMay('reports:read');
  const parts = [...PARTS, ...(mayMake && mayRead ? [STATEMENTS] : []), ...(mayImport ? [IMPORT] : [])];
  const selected = useTab(parts);
  const Part = parts.find(({ id }) => id === selected)?.Part;
  return (
    <Page title="Books" intro="Every payment and refund posts a balanced entry, for good.">
      <Tabs label="Parts of the books" tabs={parts} />
      <Suspense
        fallback={
          <Panel>
            <Skeleton rows={10} />
          </Panel>
        }
      >
        {Part && <Part key={selected} />}
      </Suspense>
    </Page>
  );
}
