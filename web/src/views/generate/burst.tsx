import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { type Call, Curl } from '../../ui/code';
import { number } from '../../ui/format';
import { Progress } from '../../ui/page';
import { Badge, Panel } from '../../ui/panel';
import { ErrorState } from '../../ui/states';
import { classes } from '../../ui/classes';
import { MAX_SENT, type Sent, useBurst, useSecondsUntil } from './use-burst';

/** The smallest request, in a lane of its own, so that nothing else waits behind it. */
const CALL: Call = {
  method: 'POST',
  path: '/api/async',
  body: { report: 'digest', payload: { input_data: 'x', iterations: 1 }, lane: 'burst', callback_url: null },
};

/** Sends async requests until one is refused, then waits for the window and gets one through. */
export function Burst() {
  const { authentication } = useSession();
  const { state, start, stop } = useBurst(CALL);
  const isActive = state.phase === 'sending' || state.phase === 'waiting';
  return (
    <Panel
      title="Burst until 429"
      hint="Small async requests, one after the other, until the limit refuses one."
      actions={
        isActive ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button onClick={() => void start()}>{state.sent.length === 0 ? 'Start the burst' : 'Start again'}</Button>
        )
      }
    >
      {state.failure !== null && <ErrorState error={state.failure} />}
      {state.sent.length === 0 && (
        <p className="text-muted">Uses up your quota of async requests, until the window frees up.</p>
      )}
      {state.sent.length > 0 && <Dots sent={state.sent} />}
      {state.refusal !== null && <Refusal refusal={state.refusal} />}
      {state.phase === 'waiting' && <Countdown fromMs={state.waitsFromMs} untilMs={state.retryAtMs} />}
      <p role="status">
        {state.phase === 'through' && (
          <span className="flex flex-wrap items-center gap-2">
            <Badge tone="good">accepted 202</Badge> The window has room again, and one got through.
          </span>
        )}
        {state.phase === 'unlimited' &&
          `All ${number(MAX_SENT)} requests were accepted. The limit is higher, or off (RATE_LIMIT_ASYNC).`}
      </p>
      <Curl call={CALL} needsKey={authentication === 'required'} />
    </Panel>
  );
}

/** One dot a request. The count beside them says the same. */
function Dots({ sent }: { sent: Sent[] }) {
  const accepted = sent.filter(({ status }) => status === 202).length;
  return (
    <div className="mb-3">
      <p className="mb-1.5">
        <strong>{number(accepted)}</strong> accepted, <strong>{number(sent.length - accepted)}</strong> refused
      </p>
      <div aria-hidden className="flex flex-wrap gap-1">
        {sent.map(({ status }, index) => (
          <span
            key={index}
            title={String(status)}
            className={classes('size-3', status === 202 ? 'rounded-full bg-good' : 'bg-bad')}
          />
        ))}
      </div>
    </div>
  );
}

function Refusal({ refusal: { status, headers, problem } }: { refusal: Sent }) {
  const names = ['RateLimit-Policy', 'RateLimit', 'Retry-After'];
  return (
    <div className="mb-3 rounded-control bg-sunken p-3">
      <p className="font-medium">
        {status}: {problem?.detail}
      </p>
      <dl className="mt-1 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 font-mono text-xs">
        {names.map((name) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd>{headers.get(name) ?? '–'}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Countdown({ fromMs, untilMs }: { fromMs: number; untilMs: number }) {
  const seconds = useSecondsUntil(untilMs);
  return (
    <div className="mb-3 space-y-1.5">
      <p>
        The window frees up in <strong role="timer">{seconds} s</strong>. Then the next request is sent.
      </p>
      <Progress
        label="Time until the window frees up"
        value={untilMs - fromMs - seconds * 1_000}
        max={untilMs - fromMs}
      />
    </div>
  );
}
