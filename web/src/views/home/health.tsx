import { Link } from '@tanstack/react-router';
import { duration } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import type { components } from '../../api/schema.generated';
import type { Concern } from './attention';

const DOTS = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', info: 'bg-info', muted: 'bg-muted' };

/** The concerns, each with a link to the view that puts it right. */
export function Attention({ concerns }: { concerns: Concern[] }) {
  return (
    <Panel title="Needs attention">
      <ul aria-live="polite" className="space-y-2">
        {concerns.length === 0 && <li className="text-muted">Nothing. All is well.</li>}
        {concerns.map(({ tone, text, path, search }) => (
          <li key={text} className="flex items-baseline gap-2.5">
            <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[tone]}`} />
            <Link to={path} {...(search && { search })} className="underline underline-offset-2">
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The state of the service, and for operators that of each dependency with its cause. */
export function Health({
  health,
  error,
  onRetry,
}: {
  health: components['schemas']['HealthAnswer'] | undefined;
  error: unknown;
  onRetry: () => void;
}) {
  return (
    <Panel title="Health">
      {error ? <ErrorState error={error} onRetry={onRetry} /> : null}
      {!health && !error && <Skeleton rows={6} />}
      {health && (
        <ul className="space-y-2">
          <li className="flex justify-between">
            <span className="font-medium">Service</span>
            <StatusBadge status={health.status} />
          </li>
          {'dependencies' in health &&
            Object.entries(health.dependencies).map(([name, { status, cause, latency_ms }]) => (
              <li key={name} className="flex justify-between gap-3">
                <span className="capitalize">{name}</span>
                <span className="flex items-center gap-2 text-sm text-muted">
                  {cause ?? (latency_ms === null ? '' : duration(latency_ms))}
                  <StatusBadge status={status} />
                </span>
              </li>
            ))}
        </ul>
      )}
    </Panel>
  );
}
