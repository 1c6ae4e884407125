import { centsOf } from './amount';
import { SelectField, TextField } from './field';

/** Those that are offered; the API takes every one of ISO 4217. */
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'JPY'];

/** The currency of an order or an event. */
export function CurrencyField({
  value,
  onChange,
  ...field
}: {
  value: string;
  onChange: (currency: string) => void;
  hint?: string;
  error?: string | null;
  disabled?: boolean;
}) {
  return (
    <SelectField
      label="Currency"
      value={value}
      options={[...new Set([value, ...CURRENCIES])]}
      onChange={({ target }) => onChange(target.value)}
      {...field}
    />
  );
}

/** An amount as people type it, in a currency. It says so if the text is none. */
export function AmountField({
  label,
  value,
  currency,
  error,
  hint,
  onChange,
}: {
  label: string;
  value: string;
  currency: string;
  error?: string | null;
  hint?: string;
  onChange: (text: string) => void;
}) {
  const isWrong = value !== '' && centsOf(value, currency) === null;
  return (
    <TextField
      label={label}
      inputMode="decimal"
      placeholder="12.50"
      required
      value={value}
      hint={hint}
      error={isWrong ? `Not an amount of ${currency}` : error}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}
