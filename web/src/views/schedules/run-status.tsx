import { Link } from '@tanstack/react-router';
import { StatusBadge } from '../../ui/panel';
import { LINK } from '../../ui/row-link';
import type { Run } from './recurrence';

/** The status of a run; a link to its request if that exists. */
export function RunStatus({ run: { status, request_id: id } }: { run: Run }) {
  const badge = <StatusBadge status={status} />;
  if (id === null || status === 'DELETED') return badge;
  return (
    <Link to="/app/requests/$id" params={{ id }} className={LINK}>
      {badge}
    </Link>
  );
}
