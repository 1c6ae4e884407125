import { useState } from 'react';
import { api } from '../../api/client';
import { useLive } from '../../api/live';
import { useMay } from '../../api/session';
import { Page } from '../../ui/page';
import { concernsOf } from './attention';
import { Figures } from './figures';
import { FirstSteps } from './first-steps';
import { Attention, Health } from './health';
import { Latest } from './latest';
import { MakeReport } from './make-report';
import { useFailures } from './use-failures';

/** Requests that are read live. The throughput counts more of them than the list shows. */
const WATCHED = 50;
/** Up to this number of requests the first steps are shown. */
const FEW = 3;
const HEALTH_MS = 10_000;

/** What happens now, and a report in one click. */
export function HomeView() {
  const mayRead = useMay('reports:read');
  const mayWrite = useMay('reports:write');
  const [made, setMade] = useState<string | null>(null);
  return (
    <Page
      title="Home"
      intro="Orders and bookings come in, reports go out in strict order, and nothing is lost."
      actions={mayWrite && <MakeReport onMade={setMade} />}
    >
      {mayRead ? <Overview made={made} onMade={setMade} /> : <HealthOnly />}
    </Page>
  );
}

function Overview({ made, onMade }: { made: string | null; onMade: (id: string) => void }) {
  const { state, isConnected } = useLive({ limit: WATCHED });
  const { failed, dead } = useFailures();
  const { health, ...asked } = useHealth();
  const mayWrite = useMay('reports:write');
  const concerns = concernsOf({ health, lanes: state?.lanes ?? [], failed: failed ?? 0, dead: dead ?? 0 });
  return (
    <>
      <Figures state={state} failed={failed} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="space-y-5">
          <Latest state={state} isConnected={isConnected} made={made} />
          {mayWrite && state !== null && state.requests.length <= FEW && <FirstSteps onMade={onMade} />}
        </div>
        <div className="space-y-5">
          <Attention concerns={concerns} />
          <Health health={health} {...asked} />
        </div>
      </div>
    </>
  );
}

function HealthOnly() {
  return <Health {...useHealth()} />;
}

function useHealth() {
  const { data, error, refetch } = api.useQuery('get', '/api/health', {}, { refetchInterval: HEALTH_MS });
  return { health: data, error, onRetry: () => void refetch() };
}
