import { type ComponentType, Suspense, lazy } from 'react';
import { useSession } from '../../api/session';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { Skeleton } from '../../ui/states';
import { type Tab, Tabs, useTab } from '../../ui/tabs';
import { Account } from './account';
import { Events } from './events';

type Part = Tab & { Part: ComponentType };

const EVENTS: Part = { id: 'events', title: 'Events', Part: Events };
const OWN: Part[] = [
  { id: 'own', title: 'Your events', Part: lazy(() => import('./own-events')) },
  { id: 'sales', title: 'Sales', Part: lazy(() => import('./sales')) },
];
const BOOKINGS: Part = { id: 'bookings', title: 'Your bookings', Part: lazy(() => import('./bookings')) };

/** Events for everyone; for an organizer those of the own account and their sales, for a customer the bookings. */
export function TicketsView() {
  const role = useSession().caller?.role;
  const parts = [EVENTS, ...(role === 'organizer' ? OWN : []), ...(role === 'customer' ? [BOOKINGS] : [])];
  const selected = useTab(parts);
  const Shown = parts.find(({ id }) => id === selected)?.Part;
  return (
    <Page title="Tickets" intro="Organizers publish events, customers book. Each ticket is sold once.">
      {role ? <Tabs label="Parts of the tickets" tabs={parts} /> : <Account />}
      <Suspense
        fallback={
          <Panel>
            <Skeleton rows={8} />
          </Panel>
        }
      >
        {Shown && <Shown key={selected} />}
      </Suspense>
    </Page>
  );
}
