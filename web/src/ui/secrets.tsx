import { type ReactNode, useState } from 'react';
import { Button } from './button';
import { CopyButton } from './code';
import { ConfirmButton } from './dialog';
import { SelectField } from './field';

const OVERLAPS = [
  ['24h', 'for 24 hours'],
  ['1h', 'for an hour'],
  ['7d', 'for 7 days'],
  ['0s', 'not at all, from now on'],
] as const;

/** Replaces a secret, whose predecessors stay valid for a chosen time. */
export function RotateButton({
  title,
  description,
  label,
  onRotate,
}: {
  title: string;
  description: string;
  /** Names the field of the time. */
  label: string;
  /** @param overlap Time for which the old ones stay valid, as the API takes it. */
  onRotate: (overlap: string) => Promise<unknown>;
}) {
  const [overlap, setOverlap] = useState<string>(OVERLAPS[0][0]);
  return (
    <ConfirmButton
      isSmall
      kind="secondary"
      title={title}
      description={description}
      fields={
        <SelectField
          className="mt-3"
          label={label}
          options={OVERLAPS}
          value={overlap}
          onChange={({ target }) => setOverlap(target.value)}
        />
      }
      confirm="Rotate"
      onConfirm={() => onRotate(overlap)}
    >
      Rotate
    </ConfirmButton>
  );
}

/** A secret that was just made. */
export function FreshSecret({
  secret,
  copyLabel,
  onDismiss,
  children,
}: {
  secret: string;
  copyLabel: string;
  onDismiss: () => void;
  /** What to do with it. */
  children: ReactNode;
}) {
  return (
    <div role="status" className="mx-4 mb-4 rounded-control border border-good bg-good-soft px-4 py-3 sm:mx-5">
      <p className="font-medium text-good">{children}</p>
      <p className="mt-1 flex flex-wrap items-center gap-2">
        <code className="font-mono text-sm break-all">{secret}</code>
        <CopyButton text={secret} label={copyLabel} />
        <Button isSmall kind="quiet" onClick={onDismiss}>
          I have it
        </Button>
      </p>
    </div>
  );
}
