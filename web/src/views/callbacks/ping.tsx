import { type FormEvent, useState } from 'react';
import { client, dataOf } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { Curl, Json } from '../../ui/code';
import { Dialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { bytes, duration } from '../../ui/format';
import { Badge } from '../../ui/panel';
import { ErrorState } from '../../ui/states';
import { useDemoReceiver } from './use-demo-receiver';

type Trace = components['schemas']['PingTrace'];

/** Sends one signed ping to a URL and shows what the receiver answered, and how long each part took. */
export function Ping() {
  const { isOn, url: demoUrl } = useDemoReceiver();
  const { authentication } = useSession();
  const [url, setUrl] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [trace, setTrace] = useState<Trace | null>(null);
  const [error, setError] = useState<unknown>(null);
  async function send(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    setTrace(null);
    try {
      setTrace(await dataOf(client.POST('/api/callbacks/test', { body: { url } })));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog
      title="Ping a receiver"
      description="Sends one signed callback of type ping, without a report and without retries."
      trigger={<Button>Ping a receiver</Button>}
    >
      <form onSubmit={(event) => void send(event)} className="space-y-3">
        <TextField
          label="URL"
          type="url"
          required
          value={url}
          onChange={({ target }) => setUrl(target.value)}
          placeholder="https://example.com/hooks"
          hint="Private addresses are refused unless CALLBACK_ALLOW lists them."
        />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" kind="primary" isBusy={isBusy}>
            Send the ping
          </Button>
          {isOn && url !== demoUrl && (
            <Button kind="quiet" onClick={() => setUrl(demoUrl)}>
              Use the demo receiver
            </Button>
          )}
        </div>
        <Curl
          call={{ method: 'POST', path: '/api/callbacks/test', body: { url: url || 'https://example.com/hooks' } }}
          needsKey={authentication === 'required'}
        />
      </form>
      <div aria-live="polite">
        {error !== null && <ErrorState error={error} />}
        {trace && <TraceOf trace={trace} />}
      </div>
    </Dialog>
  );
}

const TIMINGS = [
  ['dns_ms', 'Name lookup'],
  ['connect_ms', 'Connect'],
  ['tls_ms', 'TLS'],
  ['first_byte_ms', 'First byte'],
  ['total_ms', 'Total'],
] as const;

function TraceOf({ trace }: { trace: Trace }) {
  return (
    <div className="mt-4 space-y-3 border-t pt-4">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={trace.success ? 'good' : 'bad'}>{trace.success ? 'delivered' : 'not delivered'}</Badge>
        <span className="font-medium">
          {trace.status_code === null ? 'No answer' : `Answer ${trace.status_code}`} in{' '}
          {duration(trace.response_time_ms)}
        </span>
        {trace.dialled_address !== null && <span className="text-muted">from {trace.dialled_address}</span>}
      </p>
      {trace.error_message !== null && <p className="text-bad">{trace.error_message}</p>}
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 sm:grid-cols-[auto_1fr_auto_1fr]">
        {TIMINGS.map(([field, name]) => (
          <div key={field} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd>{trace.timings[field] === null ? '–' : duration(trace.timings[field])}</dd>
          </div>
        ))}
        <dt className="text-muted">Sent</dt>
        <dd>{trace.body_bytes === null ? '–' : bytes(trace.body_bytes)}</dd>
      </dl>
      <HeadersOf title="Headers of the ping" headers={trace.request_headers} />
      <HeadersOf title="Headers of the answer" headers={trace.response_headers} />
      {trace.response_body && (
        <pre
          tabIndex={0}
          role="region"
          aria-label="Body of the answer"
          className="max-h-40 overflow-auto rounded-control bg-sunken p-3 font-mono text-xs"
        >
          {trace.response_body}
        </pre>
      )}
    </div>
  );
}

function HeadersOf({ title, headers }: { title: string; headers: Trace['request_headers'] }) {
  if (headers === null) return null;
  return (
    <div>
      <h3 className="mb-1 text-sm font-medium">{title}</h3>
      <Json label={title} value={headers} />
    </div>
  );
}
