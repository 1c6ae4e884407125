import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Search } from '../router';

/** The classes of a link in a table or among facts. */
export const LINK =
  'inline-flex min-h-6 items-center font-medium underline decoration-line-strong underline-offset-2 hover:decoration-current';

/** Opens one row of a list in a dialog; its id is in the URL. */
export function RowLink({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Link to="." search={(old: Search) => ({ ...old, id })} resetScroll={false} className={LINK}>
      {children}
    </Link>
  );
}
