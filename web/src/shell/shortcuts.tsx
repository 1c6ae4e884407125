import { useNavigate } from '@tanstack/react-router';
import { Suspense, lazy, useEffect, useState } from 'react';
import { VIEWS } from './navigation';

/** Loaded when it is asked for. */
const ShortcutsDialog = lazy(() => import('./shortcuts-dialog'));

/** Time in which the second key of `g` and a letter must follow. */
const SEQUENCE_MS = 1_000;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  );
}

/** `g` and a letter opens a view, `/` moves to the search of the view, and `?` lists the shortcuts. */
export function Shortcuts() {
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    /** The time of the first key of a sequence, on the clock that starts with the page. */
    let startedAtMs = Number.NEGATIVE_INFINITY;
    function onKey(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') setOpen(true);
      else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('input[type=search]');
        if (!search) return;
        event.preventDefault();
        search.focus();
      } else if (performance.now() - startedAtMs < SEQUENCE_MS) {
        startedAtMs = Number.NEGATIVE_INFINITY;
        const view = VIEWS.find(({ key }) => key === event.key);
        if (view) void navigate({ to: view.path });
      } else if (event.key === 'g') startedAtMs = performance.now();
    }
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [navigate]);
  if (!isOpen) return null;
  return (
    <Suspense>
      <ShortcutsDialog onClose={() => setOpen(false)} />
    </Suspense>
  );
}
