import type { ReactNode } from 'react';
import { classes } from './classes';

export interface Column<Row> {
  head: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers are aligned to the right. */
  isNumber?: boolean;
  /** Hidden on narrow screens. */
  isExtra?: boolean;
}

/**
 * A table that scrolls sideways when it must, never the page.
 * @param caption Names the table for screen readers.
 */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  isSelected,
}: {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  isSelected?: (row: Row) => boolean;
}) {
  return (
    <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label={caption}>
      <table className="w-full text-left">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-y bg-sunken text-xs text-muted">
            {columns.map((column, index) => (
              <th key={index} scope="col" className={cellClasses(column, 'py-2 font-medium')}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              aria-selected={isSelected?.(row) || undefined}
              className="border-b last:border-b-0 hover:bg-sunken/60 aria-selected:bg-accent-soft"
            >
              {columns.map((column, index) => (
                <td key={index} className={cellClasses(column, 'py-2')}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClasses({ isNumber, isExtra }: Pick<Column<never>, 'isNumber' | 'isExtra'>, more: string): string {
  return classes(
    'px-3 first:pl-4 last:pr-4 sm:first:pl-5 sm:last:pr-5',
    isNumber && 'text-right whitespace-nowrap',
    isExtra && 'hidden md:table-cell',
    more,
  );
}

/** The buttons of a list that pages by a cursor. The cursors of earlier pages are in the URL, so that Back works. */
export function Pager({
  hasPrevious,
  nextCursor,
  onFirst,
  onNext,
}: {
  hasPrevious: boolean;
  nextCursor: string | null | undefined;
  onFirst: () => void;
  onNext: (cursor: string) => void;
}) {
  if (!hasPrevious && !nextCursor) return null;
  return (
    <nav aria-label="Pages" className="flex justify-end gap-2 border-t px-4 py-2.5 sm:px-5">
      <PageButton isDisabled={!hasPrevious} onClick={onFirst}>
        First page
      </PageButton>
      <PageButton isDisabled={!nextCursor} onClick={() => nextCursor && onNext(nextCursor)}>
        Next page
      </PageButton>
    </nav>
  );
}

function PageButton({
  isDisabled,
  onClick,
  children,
}: {
  isDisabled: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      disabled={isDisabled}
      onClick={onClick}
      className="min-h-7 rounded-control border border-line-strong bg-surface px-2.5 text-sm font-medium hover:bg-sunken disabled:opacity-50"
    >
      {children}
    </button>
  );
}
