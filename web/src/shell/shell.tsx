import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { type Session, logOut, mayUse, useIsSessionKnown, useSession } from '../api/session';
import { Button } from '../ui/button';
import { classes } from '../ui/classes';
import { Page } from '../ui/page';
import { Panel } from '../ui/panel';
import { Empty } from '../ui/states';
import { act } from '../ui/toast';
import { LoginPage } from './login';
import { VIEW_GROUPS, type View, viewOf } from './navigation';
import { Shortcuts } from './shortcuts';
import { THEMES, type Theme, useTheme } from './theme';

/** The frame around every view: navigation, theme, and who is logged in. Asks for a login where one is needed. */
export function Shell() {
  const session = useSession();
  const isKnown = useIsSessionKnown();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const view = viewOf(pathname);
  const forbidden = view && !isAllowed(session, view) ? view : null;
  useEffect(() => setMenuOpen(false), [pathname]);
  if (session.caller === null && session.authentication === 'required') return <LoginPage />;
  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[14.5rem_1fr]">
      <a
        href="#main"
        onClick={() => main.current?.focus()}
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-20 focus:rounded-control focus:bg-surface focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <header className="flex flex-col border-b bg-surface lg:sticky lg:top-0 lg:h-dvh lg:border-r lg:border-b-0">
        <div className="flex items-center justify-between px-4 py-3 lg:px-5 lg:pt-5 lg:pb-4">
          <Link to="/" className="flex items-center gap-2.5 font-display text-xl font-semibold tracking-tight">
            <img src="/app/icon.svg" alt="" className="size-7" />
            Daybook
          </Link>
          <Button
            kind="quiet"
            className="lg:hidden"
            aria-expanded={isMenuOpen}
            aria-controls="navigation"
            onClick={() => setMenuOpen(!isMenuOpen)}
          >
            Menu
          </Button>
        </div>
        <div
          id="navigation"
          className={classes('grow flex-col gap-6 overflow-y-auto px-3 pb-4 lg:flex', isMenuOpen ? 'flex' : 'hidden')}
        >
          {isKnown && <Navigation session={session} />}
          <Footer session={session} />
        </div>
      </header>
      <main ref={main} id="main" tabIndex={-1} className="min-w-0 outline-none">
        {isKnown && (forbidden ? <Forbidden view={forbidden} /> : <Outlet key={session.caller?.id} />)}
      </main>
      <Shortcuts />
    </div>
  );
}

const isAllowed = (session: Session, { needs }: View): boolean => needs === null || mayUse(session, needs);

/** Shown for a link to a view whose calls the API would refuse. */
function Forbidden({ view: { title, needs } }: { view: View }) {
  return (
    <Page title={title}>
      <Panel>
        <Empty title="You may not see this view">
          {needs === 'operator'
            ? 'It is for operators. Log in with a key that has the scope admin.'
            : `Log in with a key that has the scope ${needs}.`}
        </Empty>
      </Panel>
    </Page>
  );
}

function Navigation({ session }: { session: Session }) {
  return (
    <nav aria-label="Views" className="space-y-5">
      {VIEW_GROUPS.map(({ title, views }) => {
        const allowed = views.filter((view) => isAllowed(session, view));
        return (
          allowed.length > 0 && (
            <div key={title}>
              <p className="px-2 pb-1 text-xs font-medium text-muted">{title}</p>
              <ul>
                {allowed.map((view) => (
                  <li key={view.path}>
                    <Link
                      to={view.path}
                      activeOptions={{ exact: view.path === '/', includeSearch: false }}
                      className="block rounded-control px-2 py-1.5 hover:bg-sunken data-[status=active]:bg-accent-soft data-[status=active]:font-semibold data-[status=active]:text-accent-strong"
                    >
                      {view.title}
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
          )
        );
      })}
    </nav>
  );
}

function Footer({ session }: { session: Session }) {
  const [theme, setTheme] = useTheme();
  return (
    <div className="mt-auto space-y-3 border-t px-2 pt-3 text-sm">
      {session.caller && (
        <div className="flex items-center justify-between gap-2">
          <span className="truncate" title={session.caller.email ?? session.caller.name}>
            {session.caller.name}
          </span>
          <Button isSmall kind="quiet" onClick={() => void act(logOut)}>
            Log out
          </Button>
        </div>
      )}
      <label className="flex items-center justify-between gap-2">
        <span className="text-muted">Theme</span>
        <select
          value={theme}
          onChange={(event) => setTheme(event.target.value as Theme)}
          className="rounded-control border border-line-strong bg-surface px-2 py-1"
        >
          {THEMES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <p className="flex flex-wrap gap-x-3">
        <a href="/docs" className="underline underline-offset-2">
          API
        </a>
        <a href="/redoc" className="underline underline-offset-2">
          Reference
        </a>
        <span className="text-muted">
          Press <kbd className="font-mono">?</kbd> for shortcuts
        </span>
      </p>
    </div>
  );
}
