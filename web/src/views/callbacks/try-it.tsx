import { useEffect, useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { Curl } from '../../ui/code';
import { Time, duration, number } from '../../ui/format';
import { Badge, Panel, type Tone } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { act } from '../../ui/toast';
import { RequestLink } from './deliveries';
import { simulateFailures, useDemoReceiver } from './use-demo-receiver';

type Request = components['schemas']['RequestDetail'];

/** How the demo receiver treats the next callback: `once` fails the first attempt, `never` all of them. */
type Failing = 'none' | 'once' | 'never';
const WAYS: [Failing, string][] = [
  ['once', 'Send one that fails first'],
  ['none', 'Send one that arrives'],
  ['never', 'Send one that never arrives'],
];
/** A lane of its own, in which nothing waits before it. */
const LANE = 'callback-demo';

/** Sends a request whose callback goes to the demo receiver, and shows its attempts as they happen. */
export function TryIt() {
  const [{ try: id }, change] = useSearchState();
  const { authentication } = useSession();
  const { url } = useDemoReceiver();
  const [busy, setBusy] = useState<Failing | null>(null);
  const body = { report: 'digest', payload: { input_data: 'Hello' }, lane: LANE, callback_url: url } as const;
  async function send(failing: Failing): Promise<void> {
    setBusy(failing);
    await act(async () => {
      await simulateFailures({ enabled: failing !== 'none', failure_rate: 100 });
      const { request_id } = await dataOf(client.POST('/api/async', { body, params: { header: {} } }));
      change({ try: request_id, failing: failing === 'none' ? undefined : failing });
    });
    setBusy(null);
  }
  return (
    <Panel
      title="See a callback fail, retry and arrive"
      hint="The built-in receiver answers 500 to the first attempt. Daybook sends the callback again about two seconds later."
    >
      <div className="flex flex-wrap gap-2">
        {WAYS.map(([failing, text], index) => (
          <Button
            key={failing}
            kind={index === 0 ? 'primary' : 'secondary'}
            isBusy={busy === failing}
            disabled={busy !== null}
            onClick={() => void send(failing)}
          >
            {text}
          </Button>
        ))}
      </div>
      <Curl call={{ method: 'POST', path: '/api/async', body }} needsKey={authentication === 'required'} />
      {id === undefined ? (
        <Empty title="Nothing sent yet">The attempts appear here as they happen.</Empty>
      ) : (
        <Course id={id} />
      )}
    </Panel>
  );
}

function Course({ id }: { id: string }) {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/requests/{id}',
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (isOver(state.data) ? false : 500) },
  );
  useFailureSwitch(data);
  useEffect(() => {
    if (isOver(data)) void queryClient.invalidateQueries({ queryKey: ['get', '/api/callbacks/history'] });
  }, [data]);
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton rows={4} />;
  return (
    <ol
      aria-live="polite"
      aria-label="What happened to the callback"
      className="mt-4 min-h-44 space-y-3 border-l-2 pl-4"
    >
      {stepsOf(data).map(({ tone, name, text, at }, index) => (
        <li key={index} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
          <Badge tone={tone}>{name}</Badge>
          <span className="grow">{text}</span>
          <span className="text-sm text-muted">
            <Time at={at} show="time" />
          </span>
        </li>
      ))}
      <li className="text-sm text-muted">
        Request <RequestLink id={id} />
      </li>
    </ol>
  );
}

function isOver(request: Request | undefined): boolean {
  return request?.callback_status === 'SUCCESS' || request?.callback_status === 'FAILED';
}

/** Turns the failures off once the callback has failed as it should. The URL remembers it over a reload. */
function useFailureSwitch(request: Request | undefined): void {
  const [{ failing }, change] = useSearchState();
  const attempts = request?.delivery_trace.length ?? 0;
  const isDone = (failing === 'once' && attempts > 0) || (failing === 'never' && isOver(request));
  useEffect(() => {
    if (!isDone) return;
    change({ failing: undefined }, true);
    void act(() => simulateFailures({ enabled: false }));
    // `change` is new at each render.
  }, [isDone]);
}

interface Step {
  tone: Tone;
  name: string;
  text: string;
  at: string | null;
}

/** @returns What has happened to the callback of a request, in order. */
function stepsOf(request: Request): Step[] {
  const { created_at, completed_at, callback_status, callback_next_attempt_at, delivery_trace } = request;
  const steps: Step[] = [{ tone: 'muted', name: 'accepted', text: 'The request is in its lane', at: created_at }];
  if (completed_at !== null) {
    steps.push({ tone: 'muted', name: 'ready', text: 'The report is ready and its callback is due', at: completed_at });
  }
  for (const {
    attempt_number,
    success,
    status_code,
    error_message,
    response_time_ms,
    attempted_at,
  } of delivery_trace) {
    const answer = status_code === null ? (error_message ?? 'no answer') : `answer ${status_code}`;
    const time = response_time_ms === null ? '' : ` in ${duration(response_time_ms)}`;
    steps.push({
      tone: success ? 'good' : 'bad',
      name: success ? 'arrived' : 'failed',
      text: `Attempt ${number(attempt_number)}: ${answer}${time}`,
      at: attempted_at,
    });
  }
  if (callback_status === 'PENDING' && callback_next_attempt_at !== null && delivery_trace.length > 0) {
    steps.push({ tone: 'warn', name: 'waiting', text: 'The next attempt is due', at: callback_next_attempt_at });
  }
  if (callback_status === 'FAILED') {
    steps.push({ tone: 'bad', name: 'dead', text: 'No attempts are left. Redeliver it under Deliveries.', at: null });
  }
  return steps;
}
