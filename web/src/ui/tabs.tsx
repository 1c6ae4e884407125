import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
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
  const nav = useRef<HTMLElement>(null);
  useEffect(() => (nav.current ? centerSelected(nav.current) : undefined), [selected, tabs.length]);
  return (
    <nav ref={nav} aria-label={label} className="flex gap-1 overflow-x-auto border-b">
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

/** Shows the selected tab where not all fit. Not scrollIntoView, which would scroll the page too. */
function centerSelected(nav: HTMLElement): void {
  const tab = nav.querySelector('[aria-current=page]')?.getBoundingClientRect();
  const frame = nav.getBoundingClientRect();
  if (tab) nav.scrollLeft += (tab.left + tab.right - frame.left - frame.right) / 2;
}

/** @returns The id of the tab in the URL, or of the first. */
export function useTab(tabs: Tab[]): string | undefined {
  const [{ tab }] = useSearchState();
  return (tabs.find(({ id }) => id === tab) ?? tabs[0])?.id;
}
