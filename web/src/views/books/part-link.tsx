import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Search } from '../../router';
import { LINK } from '../../ui/row-link';

/** Opens another part of the books. */
export function PartLink({ search, children }: { search: Search; children: ReactNode }) {
  return (
    <Link to="/app/books" search={search} className={LINK}>
      {children}
    </Link>
  );
}
