import { type ReactNode, useId } from 'react';
import { classes } from './classes';

/** A titled part of a page. */
export function Panel({
  title,
  hint,
  actions,
  className,
  isFlush,
  children,
}: {
  title?: ReactNode;
  /** One sentence below the title. */
  hint?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** Without padding, for a table that reaches the borders. */
  isFlush?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section
      aria-labelledby={title === undefined ? undefined : id}
      className={classes('min-w-0 rounded-panel border bg-surface shadow-panel', className)}
    >
      {(title !== undefined || actions !== undefined) && (
        <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 pt-3.5 pb-2 sm:px-5">
          <div>
            <h2 id={id} className="text-base font-semibold">
              {title}
            </h2>
            {hint !== undefined && <p className="text-sm text-muted">{hint}</p>}
          </div>
          {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={isFlush ? 'overflow-hidden rounded-b-panel' : 'px-4 pt-1.5 pb-4 sm:px-5'}>{children}</div>
    </section>
  );
}

/** A number with its name. */
export function Stat({ label, value, hint, tone }: { label: string; value: ReactNode; hint?: ReactNode; tone?: Tone }) {
  return (
    <div className="rounded-panel border bg-surface px-4 py-3 shadow-panel">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className={classes('mt-0.5 text-2xl font-semibold tracking-tight', tone && TEXT[tone])}>{value}</dd>
      {hint !== undefined && <dd className="text-sm text-muted">{hint}</dd>}
    </div>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'muted';
const TEXT: Record<Tone, string> = {
  good: 'text-good',
  warn: 'text-warn',
  bad: 'text-bad',
  info: 'text-info',
  muted: 'text-muted',
};
const FILLS: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  info: 'bg-info-soft text-info',
  muted: 'bg-sunken text-muted',
};

/** A word on a coloured ground. The word carries the meaning, so that it does not depend on colour (WCAG 1.4.1). */
export function Badge({ tone = 'muted', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={classes(
        'inline-flex items-center rounded-full px-2 py-0.5 text-xs font-semibold whitespace-nowrap',
        FILLS[tone],
      )}
    >
      {children}
    </span>
  );
}

const TONES: Record<string, Tone> = {
  PENDING: 'warn',
  PROCESSING: 'info',
  COMPLETED: 'good',
  SUCCESS: 'good',
  FAILED: 'bad',
  CANCELLED: 'muted',
  REFUSED: 'bad',
  SKIPPED: 'warn',
  draft: 'muted',
  paid: 'good',
  shipped: 'info',
  cancelled: 'muted',
  active: 'good',
  confirmed: 'good',
  pending: 'warn',
  sent: 'good',
  failed: 'bad',
  dead: 'bad',
  open: 'bad',
  half_open: 'warn',
  closed: 'good',
  up: 'good',
  degraded: 'warn',
  down: 'bad',
  ok: 'good',
  running: 'info',
  RUNNING: 'info',
  completed: 'good',
  succeeded: 'good',
  paused: 'warn',
  current: 'good',
  newer: 'warn',
  revoked: 'bad',
};

/** The status of a thing, such as a request, an order or a dependency. `text` is another word for it. */
export function StatusBadge({ status, text }: { status: string; text?: string }) {
  return <Badge tone={TONES[status] ?? 'muted'}>{text ?? status.toLowerCase().replaceAll('_', ' ')}</Badge>;
}
