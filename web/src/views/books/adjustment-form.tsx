import { useState } from 'react';
import { client, dataOf, queryClient } from '../../api/client';
import { centsOf } from '../../ui/amount';
import { Button } from '../../ui/button';
import { FormDialog } from '../../ui/dialog';
import { SelectField, TextField } from '../../ui/field';
import { SuggestField, instant, localTime } from '../../ui/filters';
import { money } from '../../ui/format';
import { Badge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';
import { type TypedLine, differences, missing, useLedger } from './ledger';
import { useForm } from '../../api/use-form';

/** A button that opens the form of an adjustment. */
export function NewAdjustment() {
  return (
    <FormDialog
      label="Post an adjustment"
      description="Its debits equal its credits in each currency. It cannot be changed, only reversed."
    >
      {(close) => <AdjustmentForm onDone={close} />}
    </FormDialog>
  );
}

interface Line {
  key: number;
  account: string;
  side: 'debit' | 'credit';
  currency: string;
  amount: string;
}

let lastKey = 0;
const newLine = (side: Line['side'], currency = 'USD'): Line => ({
  key: ++lastKey,
  account: '',
  side,
  currency,
  amount: '',
});

function typed({ account, side, currency, amount }: Line): TypedLine {
  const cents = centsOf(amount, currency);
  return { ledger_account: account, currency, amount_cents: side === 'credit' && cents !== null ? -cents : cents };
}

function AdjustmentForm({ onDone }: { onDone: () => void }) {
  const [, change] = useSearchState();
  const [lines, setLines] = useState(() => [newLine('debit'), newLine('credit')]);
  const given = lines.map(typed);
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const body = {
      effective_at: instant(field('effective_at')) ?? '',
      memo: field('memo'),
      lines: given.map(({ ledger_account, currency, amount_cents }) => ({
        ledger_account,
        currency,
        amount_cents: amount_cents ?? 0,
      })),
    };
    const entry = await dataOf(client.POST('/api/journal/entries', { body, params: { header: {} } }));
    await queryClient.invalidateQueries();
    announce(`Entry ${entry.number} is posted`);
    onDone();
    change({ id: String(entry.number) });
  });
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <div className="grid gap-4 sm:grid-cols-[1fr_14.5rem]">
        <TextField label="Memo" name="memo" required placeholder="Bank fees of March" error={errorOf('memo')} />
        <TextField
          label="Counts at"
          name="effective_at"
          type="datetime-local"
          required
          defaultValue={localTime(new Date().toISOString())}
          error={errorOf('effective_at')}
        />
      </div>
      <LineFields lines={lines} onChange={setLines} errorOf={errorOf} />
      <BalanceCheck lines={given} />
      {error !== null && <ErrorState error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" isBusy={isBusy} disabled={missing(given) !== null}>
          Post the entry
        </Button>
      </div>
    </form>
  );
}

/** Says for each currency whether debits and credits are equal, and by how much they differ. */
function BalanceCheck({ lines }: { lines: TypedLine[] }) {
  const need = missing(lines);
  return (
    <div role="status" className="flex flex-wrap items-center gap-2 rounded-control bg-sunken px-3 py-2">
      {need === 'accounts' && <span className="text-muted">Each line needs a ledger account and a currency.</span>}
      {need === 'amounts' && <span className="text-muted">Each line needs an amount above 0.</span>}
      {(need === 'balance' || need === null) &&
        differences(lines).map(({ currency, cents }) => (
          <Badge key={currency} tone={cents === 0 ? 'good' : 'bad'}>
            {cents === 0
              ? `${currency} balances`
              : `${money(Math.abs(cents), currency)} more ${cents > 0 ? 'debit' : 'credit'} than ${cents > 0 ? 'credit' : 'debit'}`}
          </Badge>
        ))}
    </div>
  );
}

function LineFields({
  lines,
  onChange,
  errorOf,
}: {
  lines: Line[];
  onChange: (lines: Line[]) => void;
  errorOf: (path: string) => string | null;
}) {
  const { accounts } = useLedger();
  const edit = (key: number, values: Partial<Line>): void =>
    onChange(lines.map((line) => (line.key === key ? { ...line, ...values } : line)));
  return (
    <fieldset className="space-y-3">
      <legend className="mb-1 text-sm font-semibold">Lines</legend>
      {lines.map(({ key, account, side, currency, amount }, index) => (
        <div
          key={key}
          className="grid grid-cols-2 items-end gap-2 rounded-control border p-3 sm:grid-cols-[8rem_5.5rem_1fr_auto]"
        >
          <SuggestField
            label={`Ledger account ${index + 1}`}
            className="col-span-2 sm:col-span-4"
            required
            placeholder="expenses:bank-fees"
            pattern="(assets|liabilities|equity|income|expenses)(:[a-z0-9\-]+){1,4}"
            title="Such as expenses:bank-fees"
            suggestions={accounts}
            value={account}
            error={errorOf(`lines.${index}.ledger_account`)}
            onChange={(event) => edit(key, { account: event.target.value })}
          />
          <SelectField
            label="Side"
            options={['debit', 'credit']}
            value={side}
            onChange={(event) => edit(key, { side: event.target.value as Line['side'] })}
          />
          <TextField
            label="Currency"
            required
            maxLength={3}
            value={currency}
            onChange={(event) => edit(key, { currency: event.target.value.toUpperCase() })}
          />
          <TextField
            label="Amount"
            required
            inputMode="decimal"
            placeholder="12.50"
            value={amount}
            error={errorOf(`lines.${index}.amount_cents`)}
            onChange={(event) => edit(key, { amount: event.target.value })}
          />
          <Button
            kind="quiet"
            aria-label={`Remove line ${index + 1}`}
            disabled={lines.length <= 2}
            onClick={() => onChange(lines.filter((line) => line.key !== key))}
          >
            Remove
          </Button>
        </div>
      ))}
      <Button isSmall onClick={() => onChange([...lines, newLine('credit', lines.at(-1)?.currency)])}>
        Add a line
      </Button>
    </fieldset>
  );
}
