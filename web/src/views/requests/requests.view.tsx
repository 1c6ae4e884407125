import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { BulkDialog } from './bulk.dialog';
import { Filters } from './filters';
import { FirstPage, LaterPage } from './request-list';
import { FILTERS, filterOf } from './request-filter';

const PATH = '/app/requests';

/** The list of requests, with filters. The newest page is live. */
export function RequestsView() {
  const search = useSearch({ from: PATH });
  const navigate = useNavigate({ from: PATH });
  const mayWrite = useMay('reports:write');
  const asked = FILTERS.map((name) => search[name] ?? '').join('\n');
  // The start of a range that ends now moves only when the filter is set again.
  const filter = useMemo(() => filterOf(search, Date.now()), [asked]);
  const isFiltered = FILTERS.some((name) => search[name]);
  /** A changed filter starts at the first page. */
  const change = (changed: Record<string, string | undefined>): void =>
    void navigate({ search: (old) => ({ ...old, ...changed, cursor: undefined }), replace: true });
  const turn = (cursor: string | undefined): void => void navigate({ search: (old) => ({ ...old, cursor }) });
  const clear = (): void => void navigate({ search: {} });
  const list = { filter, isFiltered, onClear: clear, onTurn: turn };
  return (
    <Page
      title="Requests"
      intro="Every report that was asked for, newest first: how far it is, and how its callback fared."
      actions={mayWrite && <BulkDialog filter={filter} isFiltered={isFiltered} />}
    >
      <Panel>
        <Filters search={search} onChange={change} />
        {isFiltered && (
          <Button kind="quiet" isSmall className="mt-3" onClick={clear}>
            Clear all filters
          </Button>
        )}
      </Panel>
      {search['cursor'] === undefined ? (
        <FirstPage key={JSON.stringify(filter)} {...list} />
      ) : (
        <LaterPage cursor={search['cursor']} {...list} />
      )}
    </Page>
  );
}
