import { type ComponentProps, type ReactNode, useId } from 'react';
import { classes } from './classes';

const CONTROL =
  'w-full min-h-9 rounded-control border border-line-strong bg-surface px-3 text-ink placeholder:text-muted aria-invalid:border-bad';

/** A label with its control, a hint, and the error of the API for this field. */
export function Field({
  label,
  hint,
  error,
  className,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  className?: string;
  children: (props: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}) {
  const id = useId();
  const text = error ?? hint;
  const described = text === undefined || text === null ? undefined : `${id}-text`;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({ id, 'aria-describedby': described, ...(error && { 'aria-invalid': true as const }) })}
      {described && (
        <p id={described} className={classes('mt-1 text-sm', error ? 'text-bad' : 'text-muted')}>
          {text}
        </p>
      )}
    </div>
  );
}

interface Labelled {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** Classes of the whole field. */
  className?: string;
}

export function TextField({ label, hint, error, className, ...input }: Labelled & ComponentProps<'input'>) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(props) => <input type="text" autoComplete="off" {...input} {...props} className={CONTROL} />}
    </Field>
  );
}

export function TextArea({ label, hint, error, className, ...input }: Labelled & ComponentProps<'textarea'>) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(props) => (
        <textarea rows={6} spellCheck={false} {...input} {...props} className={`${CONTROL} py-2 font-mono text-sm`} />
      )}
    </Field>
  );
}

/** @param options Values, or values with their labels. */
export function SelectField({
  label,
  hint,
  error,
  className,
  options,
  ...select
}: Labelled & ComponentProps<'select'> & { options: readonly (string | readonly [value: string, label: string])[] }) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(props) => (
        <select {...select} {...props} className={CONTROL}>
          {options.map((option) => {
            const [value, text] = typeof option === 'string' ? [option, option] : option;
            return (
              <option key={value} value={value}>
                {text}
              </option>
            );
          })}
        </select>
      )}
    </Field>
  );
}

export function CheckField({ label, hint, className, ...input }: Omit<Labelled, 'error'> & ComponentProps<'input'>) {
  const id = useId();
  return (
    <div className={classes('flex items-start gap-2.5', className)}>
      <input id={id} type="checkbox" {...input} className="mt-1 size-4 accent-accent" />
      <label htmlFor={id}>
        <span className="font-medium">{label}</span>
        {hint !== undefined && <span className="block text-sm text-muted">{hint}</span>}
      </label>
    </div>
  );
}
