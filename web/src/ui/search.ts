import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Search } from '../router';

/**
 * The search parameters of the URL as the state of a view.
 * @returns The parameters, and a function that changes some of them. `undefined` and '' remove one. `isMinor` changes are not
 * steps of the browser's history.
 */
export function useSearchState(): [Search, (changes: Search, isMinor?: boolean) => void] {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  function change(changes: Search, isMinor = false): void {
    void navigate({ to: '.', search: (old: Search) => ({ ...old, ...changes }), replace: isMinor, resetScroll: false });
  }
  return [search, change];
}
