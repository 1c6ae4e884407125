import { type ReactNode, useEffect } from 'react';

/** The frame of a view: its title, which is also that of the tab, one sentence, and its actions. */
export function Page({
  title,
  intro,
  actions,
  children,
}: {
  title: string;
  intro?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Daybook`;
  }, [title]);
  return (
    <div className="mx-auto max-w-6xl space-y-5 px-4 py-6 sm:px-6 lg:py-8">
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div>
          <h1 className="font-display text-2xl font-semibold tracking-tight sm:text-[1.75rem]">{title}</h1>
          {intro !== undefined && <p className="mt-1 max-w-prose text-muted">{intro}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** Progress of work whose amount is known. */
export function Progress({ label, value, max }: { label: string; value: number; max: number }) {
  const share = max === 0 ? 0 : Math.min(1, value / max);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-2 overflow-hidden rounded-full bg-sunken"
    >
      <div className="h-full bg-accent transition-[width]" style={{ width: `${share * 100}%` }} />
    </div>
  );
}

/** Bars to compare a few amounts. */
export function Bars({ label, rows }: { label: string; rows: { name: ReactNode; value: number; text: ReactNode }[] }) {
  const max = Math.max(1, ...rows.map(({ value }) => Math.abs(value)));
  return (
    <ol aria-label={label} className="space-y-2.5">
      {rows.map(({ name, value, text }, index) => (
        <li key={index}>
          <div className="flex justify-between gap-4">
            <span className="truncate">{name}</span>
            <span className="font-medium">{text}</span>
          </div>
          <div className="mt-0.5 h-1.5 rounded-full bg-sunken">
            <div className="h-full rounded-full bg-accent" style={{ width: `${(Math.abs(value) / max) * 100}%` }} />
          </div>
        </li>
      ))}
    </ol>
  );
}
