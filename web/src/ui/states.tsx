import type { ReactNode } from 'react';
import { describeError } from '../api/errors';
import { Button } from './button';

/** Shown where a list or a result would be. It says what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="px-5 py-10 text-center">
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="mx-auto mt-1 max-w-prose text-muted">{children}</div>}
    </div>
  );
}

/** An error of the API or the network, with the API's own words and the id to ask for in the log. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { title, detail, requestId } = describeError(error);
  return (
    <div role="alert" className="m-4 rounded-control border border-bad bg-bad-soft px-4 py-3">
      <p className="font-medium text-bad">{title}</p>
      <p>{detail}</p>
      {requestId !== null && <p className="font-mono text-xs text-muted">request {requestId}</p>}
      {onRetry && (
        <Button isSmall className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Holds the place of rows that are being read, so that nothing moves when they arrive. */
export function Skeleton({ rows = 5 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="space-y-2.5 p-4">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="h-7 animate-pulse rounded-control bg-sunken" />
      ))}
    </div>
  );
}
