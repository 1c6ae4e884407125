import type { components } from '../../api/schema.generated';
import { Money } from '../../ui/format';

export type Entry = components['schemas']['JournalEntry'];

/** What posted an entry, in words: `order.paid` is "Order paid". */
export function kindOf({ kind }: Pick<Entry, 'kind'>): string {
  const words = kind.replaceAll(/[._-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The lines of an entry: debits to the left, credits to the right. */
export function Lines({ lines }: { lines: Entry['lines'] }) {
  return (
    <ul className="min-w-72 space-y-0.5">
      {lines.map(({ ledger_account, currency, amount_cents }, index) => (
        <li key={index} className="grid grid-cols-[minmax(0,1fr)_auto_auto] gap-3">
          <span className={`truncate font-mono text-[0.8125rem] ${amount_cents < 0 ? 'pl-5' : ''}`}>
            {ledger_account}
          </span>
          <span className="text-sm text-muted">{amount_cents < 0 ? 'credit' : 'debit'}</span>
          <span className="min-w-24 text-right">
            <Money cents={Math.abs(amount_cents)} currency={currency} />
          </span>
        </li>
      ))}
    </ul>
  );
}
