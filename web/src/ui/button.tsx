import type { ComponentProps } from 'react';
import { classes } from './classes';

export type ButtonKind = 'primary' | 'secondary' | 'quiet' | 'danger';

const KINDS: Record<ButtonKind, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong border-transparent',
  secondary: 'bg-surface text-ink border-line-strong hover:bg-sunken',
  quiet: 'border-transparent text-ink hover:bg-sunken',
  danger: 'bg-surface text-bad border-bad hover:bg-bad-soft',
};

/** The classes of a button, for links that look like one. */
export function buttonClasses(kind: ButtonKind = 'secondary', isSmall = false): string {
  return classes(
    'inline-flex items-center justify-center gap-2 rounded-control border font-medium whitespace-nowrap transition-colors',
    'disabled:opacity-50 aria-disabled:opacity-50',
    isSmall ? 'min-h-7 px-2.5 text-sm' : 'min-h-9 px-3.5',
    KINDS[kind],
  );
}

export interface ButtonProps extends ComponentProps<'button'> {
  kind?: ButtonKind;
  isSmall?: boolean;
  /** Shows that the action runs, and prevents a second click. */
  isBusy?: boolean;
}

export function Button({ kind, isSmall, isBusy, className, disabled, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
      className={classes(buttonClasses(kind, isSmall), className)}
    >
      {isBusy && (
        <span aria-hidden className="size-3.5 animate-spin rounded-full border-2 border-current border-t-transparent" />
      )}
      {children}
    </button>
  );
}
