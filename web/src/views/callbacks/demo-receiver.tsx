import { api } from '../../api/client';
import { Button } from '../../ui/button';
import { SelectField } from '../../ui/field';
import { number } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { Skeleton } from '../../ui/states';
import { act } from '../../ui/toast';
import { Inbox } from './inbox';
import { TryIt } from './try-it';
import { FAILURES, simulateFailures } from './use-demo-receiver';

/** The built-in receiver: a callback that fails and comes again, the inbox, and the failure switch. */
export function DemoReceiver() {
  return (
    <>
      <div className="grid items-start gap-5 lg:grid-cols-[1fr_20rem]">
        <TryIt />
        <Failures />
      </div>
      <Inbox />
    </>
  );
}

const RATES = [100, 75, 50, 25, 10] as const;

function Failures() {
  const { data } = api.useQuery(...FAILURES, { refetchInterval: 3_000 });
  if (!data) return <Skeleton rows={4} />;
  const { enabled, failure_rate: rate } = data;
  const rates = [...new Set([...RATES, rate])].sort((a, b) => b - a);
  return (
    <Panel title="Failure switch">
      <p className="flex items-center gap-2">
        <Badge tone={enabled ? 'bad' : 'good'}>{enabled ? 'failing' : 'answering'}</Badge>
        {enabled ? `${number(rate)}% of callbacks get a 500` : 'Every callback gets a 200'}
      </p>
      <SelectField
        className="mt-3"
        label="Share that fails"
        value={String(rate)}
        options={rates.map((value) => [String(value), `${value}%`] as const)}
        onChange={({ target }) =>
          void act(() => simulateFailures({ enabled: true, failure_rate: Number(target.value) }))
        }
      />
      <Button
        className="mt-3 w-full"
        kind={enabled ? 'secondary' : 'danger'}
        onClick={() => void act(() => simulateFailures({ enabled: !enabled, failure_rate: rate }))}
      >
        {enabled ? 'Stop failing' : 'Start failing'}
      </Button>
      <p className="mt-2 text-sm text-muted">Only the demo receiver fails. Other receivers are not affected.</p>
    </Panel>
  );
}
