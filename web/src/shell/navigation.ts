import type { Scope } from '../api/session';

export interface View {
  path: string;
  title: string;
  /** The key that opens it, after `g`. */
  key: string;
  /** The scope that it needs; null if every caller may see it. */
  needs: Scope | 'operator' | null;
}

/** The views in the order of the navigation, in groups. */
export const VIEW_GROUPS: { title: string; views: View[] }[] = [
  {
    title: 'Reports',
    views: [
      { path: '/', title: 'Home', key: 'h', needs: null },
      { path: '/app/generate', title: 'Generate', key: 'g', needs: 'reports:write' },
      { path: '/app/schedules', title: 'Schedules', key: 'd', needs: 'reports:read' },
      { path: '/app/queue', title: 'Queue', key: 'q', needs: 'reports:read' },
      { path: '/app/requests', title: 'Requests', key: 'r', needs: 'reports:read' },
      { path: '/app/callbacks', title: 'Callbacks', key: 'c', needs: 'reports:read' },
    ],
  },
  {
    title: 'Back office',
    views: [
      { path: '/app/books', title: 'Books', key: 'b', needs: 'books:read' },
      { path: '/app/tickets', title: 'Tickets', key: 't', needs: null },
      { path: '/app/mail', title: 'Mail', key: 'm', needs: 'operator' },
    ],
  },
  {
    title: 'Operations',
    views: [
      { path: '/app/load-test', title: 'Load test', key: 'l', needs: 'admin' },
      { path: '/app/system', title: 'System', key: 's', needs: null },
    ],
  },
];
export const VIEWS = VIEW_GROUPS.flatMap(({ views }) => views);

/** @returns The view that shows a path; undefined if there is none. */
export function viewOf(pathname: string): View | undefined {
  return VIEWS.find(({ path }) => pathname === path || (path !== '/' && pathname.startsWith(`${path}/`)));
}
