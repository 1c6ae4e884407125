import { Link } from '@tanstack/react-router';
import { useSearchState } from './search';

export interface Tab {
  id: string;
  title: string;
}

/**
 * The parts of a view, as links: the chosen one is in the URL (`?tab=`), without its filters.
 * @param tabs The parts that the caller may see; the first is the default.
 */
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  const selected = useTab(tabs);
  return (
    <nav aria-label={label} className="flex gap-1 overflow-x-auto border-b">
      {tabs.map(({ id, title }, index) => (
        <Link
          key={id}
          to="."
          search={{ tab: index === 0 ? undefined : id }}
          resetScroll={false}
          activeOptions={{ explicitUndefined: true }}
          aria-current={id === selected ? 'page' : undefined}
          className="-mb-px min-h-9 border-b-2 border-transparent px-3 py-1.5 font-medium whitespace-nowrap text-muted hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink"
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

/** @returns The id of the tab in the URL, or of the first. */
export function useTab(tabs: Tab[]): string | undefined {
  const [{ tab }] = useSearchState();
  return (tabs.find(({ id }) => id === tab) ?? tabs[0])?.id;
}
