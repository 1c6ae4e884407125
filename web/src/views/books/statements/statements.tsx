import { type FormEvent, useState } from 'react';
import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../../api/client';
import { isProblem } from '../../../api/errors';
import { useSession } from '../../../api/session';
import { IntervalButtons } from '../../../schema-form/interval-buttons';
import { errorAt } from '../../../schema-form/schema';
import { timeZones } from '../../../schema-form/use-suggestions';
import { Button } from '../../../ui/button';
import { Curl } from '../../../ui/code';
import { SelectField, TextField } from '../../../ui/field';
import { SuggestField } from '../../../ui/filters';
import { Panel } from '../../../ui/panel';
import { useSearchState } from '../../../ui/search';
import { ErrorState } from '../../../ui/states';
import { useLedger } from '../ledger';
import { requestReport } from './files';
import { StatementResult } from './result';
import { STATEMENTS, type StatementDraft, bodyOf, draftOf, searchOf } from './statement';

/** The clock of the service may be behind, and a report must not end after its now. */
const MARGIN_MS = 5_000;

/** The trial balance and statements over an interval: made as reports, shown as tables, and downloaded in each format. */
export default function Statements() {
  const [search, change] = useSearchState();
  const { authentication } = useSession();
  const [draft, setDraft] = useState(() => draftOf(search, new Date(Date.now() - MARGIN_MS)));
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const body = bodyOf(draft);
  async function show(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      change({ ...searchOf(draft), run: await requestReport(body) });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const errors = isProblem(error) ? (error.errors ?? []) : [];
  return (
    <>
      <Panel title="Statements" hint="A report over the books, shown as a table. Its link shows the same again.">
        <form noValidate onSubmit={(event) => void show(event)}>
          <StatementForm draft={draft} errors={errors} set={(changes) => setDraft({ ...draft, ...changes })} />
          {error !== null && <ErrorState error={error} />}
          <Button type="submit" kind="primary" isBusy={isBusy} className="mt-4">
            Show
          </Button>
        </form>
        <Curl call={{ method: 'POST', path: '/api/sync', body }} needsKey={authentication === 'required'} />
      </Panel>
      {search['run'] !== undefined && <StatementResult key={search['run']} id={search['run']} />}
    </>
  );
}

interface FormProps {
  draft: StatementDraft;
  errors: { path: string; message: string }[];
  set: (changes: Partial<StatementDraft>) => void;
}

function StatementForm({ draft, errors, set }: FormProps) {
  const { accounts, currencies } = useLedger();
  const at = (name: keyof StatementDraft) => ({
    value: draft[name],
    error: errorAt(errors, `payload.${name}`),
    onChange: ({ target: { value } }: { target: { value: string } }) => set({ [name]: value }),
  });
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:grid-cols-2 lg:grid-cols-4">
      <SelectField label="Report" className="sm:col-span-2" options={STATEMENTS} {...at('report')} />
      {draft.report === 'account-statement' && (
        <SelectField
          label="Ledger account"
          className="sm:col-span-2"
          options={[['', 'Choose one'], ...accounts]}
          {...at('ledger_account')}
        />
      )}
      {draft.report === 'customer-statement' && <CustomerFields {...{ draft, errors, set }} />}
      <div className="-mx-2.5 sm:col-span-2 sm:mx-0 sm:pt-7">
        <IntervalButtons onChange={set} />
      </div>
      <TextField label="From" hint="A date, or a time with its offset" maxLength={64} {...at('from')} />
      <TextField label="To" hint="Not included" maxLength={64} {...at('to')} />
      <SuggestField label="Timezone" maxLength={64} suggestions={timeZones()} {...at('timezone')} />
      <SelectField label="Currency" options={[['', 'All'], ...currencies]} {...at('currency')} />
      <TextField
        label="Through entry"
        hint="Number of the last entry that counts"
        inputMode="numeric"
        placeholder="Newest"
        {...at('through_entry')}
      />
    </div>
  );
}

/** A search by email, and the customers that it finds. */
function CustomerFields({ draft: { customer_id: id }, errors, set }: FormProps) {
  const [email, setEmail] = useState('');
  const found = api.useQuery(
    'get',
    '/api/customers',
    { params: { query: { email: email.trim() === '' ? undefined : email.trim(), limit: 50 } } },
    { placeholderData: keepPreviousData },
  );
  const chosen = api.useQuery('get', '/api/customers/{id}', { params: { path: { id } } }, { enabled: id !== '' });
  const others = found.data?.customers.filter((customer) => customer.id !== id) ?? [];
  const customers = chosen.data && id !== '' ? [chosen.data, ...others] : others;
  return (
    <>
      <TextField
        label="Find a customer"
        type="search"
        maxLength={254}
        placeholder="Part of the email"
        value={email}
        onChange={({ target }) => setEmail(target.value)}
      />
      <SelectField
        label="Customer"
        options={[
          ['', 'Choose one'],
          ...customers.map(({ id: of, name, email: address }) => [of, `${name}, ${address}`] as const),
        ]}
        value={id}
        error={errorAt(errors, 'payload.customer_id')}
        onChange={({ target }) => set({ customer_id: target.value })}
      />
    </>
  );
}
