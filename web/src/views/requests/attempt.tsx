import type { ReactNode } from 'react';
import type { components } from '../../api/schema.generated';
import { Time, bytes, duration } from '../../ui/format';
import { Badge } from '../../ui/panel';

type Trace = components['schemas']['DeliveryTrace'];

const TRIGGERS: Record<Trace['trigger'], string> = {
  first: 'first attempt',
  retry: 'retry',
  manual: 'redelivered by hand',
  replay: 'redelivered in bulk',
};

/** An attempt to deliver a callback: its result in a line; latency, headers and bodies below it, folded. */
export function Attempt({ attempt }: { attempt: Trace }) {
  const { status_code: code, outcome, error_message: error, response_time_ms: ms, next_attempt_at: next } = attempt;
  const tone = outcome === 'succeeded' ? 'good' : outcome === 'failed' ? 'bad' : 'muted';
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={tone}>{code === null ? (attempt.error_kind ?? outcome) : `${code} ${outcome}`}</Badge>
        {ms !== null && <span>{duration(ms)}</span>}
        <span>{TRIGGERS[attempt.trigger]}</span>
      </p>
      {error !== null && <p className={outcome === 'failed' ? 'mt-1 text-bad' : 'mt-1'}>{error}</p>}
      {next !== null && (
        <p className="mt-1">
          Next attempt planned for <Time at={next} show="time" />.
        </p>
      )}
      <details className="mt-1">
        <summary className="w-fit cursor-pointer py-0.5 underline-offset-2 hover:underline">
          Latency, headers and bodies
        </summary>
        <div className="mt-2 space-y-4 rounded-control border p-3 text-ink">
          <Latency timings={attempt.timings} />
          <Part title="Sent to">
            <p className="font-mono text-xs break-all">
              {attempt.url}
              {attempt.dialled_address !== null && ` (${attempt.dialled_address})`}
            </p>
          </Part>
          <Headers title="Request headers" headers={attempt.request_headers} />
          {attempt.body_bytes !== null && (
            <Part title="Request body">
              <p className="font-mono text-xs break-all">
                {bytes(attempt.body_bytes)}, sha256 {attempt.body_sha256}
              </p>
            </Part>
          )}
          <Headers title="Response headers" headers={attempt.response_headers} />
          {attempt.response_body !== null && (
            <Part title="Response body, its first 4 KiB">
              <pre
                tabIndex={0}
                className="max-h-60 overflow-auto rounded-control bg-sunken p-2 font-mono text-xs break-all whitespace-pre-wrap"
              >
                {attempt.response_body === '' ? '(empty)' : attempt.response_body}
              </pre>
            </Part>
          )}
        </div>
      </details>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h4 className="mb-1 text-xs font-semibold text-muted">{title}</h4>
      {children}
    </section>
  );
}

const STAGES = [
  ['dns_ms', 'DNS'],
  ['connect_ms', 'Connect'],
  ['tls_ms', 'TLS'],
  ['first_byte_ms', 'First byte'],
  ['total_ms', 'Total'],
] as const;

/** Stages of an attempt. One that was skipped, such as the connection of an open one, has no time. */
function Latency({ timings }: { timings: Trace['timings'] }) {
  return (
    <Part title="Latency">
      <dl className="grid grid-cols-3 gap-x-4 gap-y-1 sm:grid-cols-5">
        {STAGES.map(([name, label]) => {
          const ms = timings[name];
          return (
            <div key={name}>
              <dt className="text-xs text-muted">{label}</dt>
              <dd className="text-sm font-medium">{ms === null ? '–' : duration(ms)}</dd>
            </div>
          );
        })}
      </dl>
    </Part>
  );
}

function Headers({ title, headers }: { title: string; headers: Trace['request_headers'] }) {
  if (headers === null) return null;
  return (
    <Part title={title}>
      <dl className="grid grid-cols-[minmax(0,auto)_minmax(0,1fr)] gap-x-3 gap-y-0.5 font-mono text-xs">
        {Object.entries(headers).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="break-all text-muted">{name}</dt>
            <dd className="break-all">{[value].flat().join(', ')}</dd>
          </div>
        ))}
      </dl>
    </Part>
  );
}
