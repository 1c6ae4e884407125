import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { Shell } from './shell/shell';
import { Page } from './ui/page';
import { Empty, ErrorState, Skeleton } from './ui/states';

const root = createRootRoute({ component: Shell });

/** Filters and the page of a list are in the URL. Values stay texts, as the API takes them. */
export type Search = Record<string, string | undefined>;

function search(given: Record<string, unknown>): Search {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

const view = <Path extends string>(path: Path, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => root, path, validateSearch: search, component });

/** The folder of the views has none of its own. */
const folder = createRoute({
  getParentRoute: () => root,
  path: '/app',
  beforeLoad: () => redirect({ to: '/', replace: true, throw: true }),
});

const routes = [
  folder,
  view(
    '/',
    lazyRouteComponent(() => import('./views/home/home.view'), 'HomeView'),
  ),
  view(
    '/app/generate',
    lazyRouteComponent(() => import('./views/generate/generate.view'), 'GenerateView'),
  ),
  view(
    '/app/schedules',
    lazyRouteComponent(() => import('./views/schedules/schedules.view'), 'SchedulesView'),
  ),
  view(
    '/app/callbacks',
    lazyRouteComponent(() => import('./views/callbacks/callbacks.view'), 'CallbacksView'),
  ),
  view(
    '/app/queue',
    lazyRouteComponent(() => import('./views/queue/queue.view'), 'QueueView'),
  ),
  view(
    '/app/requests',
    lazyRouteComponent(() => import('./views/requests/requests.view'), 'RequestsView'),
  ),
  view(
    '/app/requests/$id',
    lazyRouteComponent(() => import('./views/requests/request.view'), 'RequestView'),
  ),
  view(
    '/app/load-test',
    lazyRouteComponent(() => import('./views/load-test/load-test.view'), 'LoadTestView'),
  ),
  view(
    '/app/books',
    lazyRouteComponent(() => import('./views/books/books.view'), 'BooksView'),
  ),
  view(
    '/app/tickets',
    lazyRouteComponent(() => import('./views/tickets/tickets.view'), 'TicketsView'),
  ),
  view(
    '/app/mail',
    lazyRouteComponent(() => import('./views/mail/mail.view'), 'MailView'),
  ),
  view(
    '/app/system',
    lazyRouteComponent(() => import('./views/system/system.view'), 'SystemView'),
  ),
];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultPendingComponent: () => (
    <Page title="Loading">
      <Skeleton />
    </Page>
  ),
  defaultErrorComponent: ({ error, reset }) => (
    <Page title="This view failed">
      <ErrorState error={error} onRetry={reset} />
    </Page>
  ),
  defaultNotFoundComponent: () => (
    <Page title="Not found">
      <Empty title="There is no such view">Choose one from the navigation.</Empty>
    </Page>
  ),
  // Values of filters are plain texts: ?status=FAILED, not ?status="FAILED".
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (values) => {
    const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
    return text === '' ? '' : `?${text}`;
  },
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
