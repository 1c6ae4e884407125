import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { type ReactElement, type ReactNode, useState } from 'react';
import { Button, type ButtonKind, type ButtonProps } from './button';
import { ErrorState } from './states';

const BACKDROP =
  'fixed inset-0 bg-scrim transition-opacity data-[starting-style]:opacity-0 data-[ending-style]:opacity-0';
const POPUP =
  'fixed top-1/2 left-1/2 max-h-[90dvh] w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-panel border bg-surface p-5 shadow-float outline-none';

/** A dialog over the page; Escape and a click beside it close it. */
export function Dialog({
  title,
  description,
  trigger,
  isOpen,
  onOpenChange,
  children,
}: {
  title: string;
  description?: ReactNode;
  /** The button that opens it; without one, `isOpen` does. */
  trigger?: ReactElement<Record<string, unknown>>;
  isOpen?: boolean;
  onOpenChange?: (isOpen: boolean) => void;
  children: ReactNode;
}) {
  return (
    <BaseDialog.Root {...(isOpen !== undefined && { open: isOpen })} onOpenChange={(open) => onOpenChange?.(open)}>
      {trigger && <BaseDialog.Trigger render={trigger} />}
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={BACKDROP} />
        <BaseDialog.Popup className={POPUP}>
          <BaseDialog.Title className="text-lg font-semibold">{title}</BaseDialog.Title>
          {description !== undefined && (
            <BaseDialog.Description className="mt-1 text-muted">{description}</BaseDialog.Description>
          )}
          <div className="mt-4">{children}</div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/**
 * A button that opens a form for something new.
 * @param label On the button, and the title of the dialog.
 * @param children The form, which gets the function that closes the dialog.
 */
export function FormDialog({
  label,
  description,
  children,
}: {
  label: string;
  description?: ReactNode;
  children: (close: () => void) => ReactNode;
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Dialog
      title={label}
      description={description}
      trigger={<Button kind="primary">{label}</Button>}
      isOpen={isOpen}
      onOpenChange={setOpen}
    >
      {children(() => setOpen(false))}
    </Dialog>
  );
}

/** A button whose action is confirmed first. The dialog stays open, with the error, if the action fails. */
export function ConfirmButton({
  title,
  description,
  fields,
  confirm,
  kind = 'danger',
  onConfirm,
  children,
  ...button
}: Omit<ButtonProps, 'title' | 'onClick'> & {
  title: string;
  description: ReactNode;
  /** Fields of the action. */
  fields?: ReactNode;
  /** The words on the button that does it. */
  confirm: string;
  kind?: ButtonKind;
  onConfirm: () => Promise<unknown>;
}) {
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function act(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      setOpen(false);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={setOpen}>
      <AlertDialog.Trigger
        render={
          <Button kind={kind} {...button}>
            {children}
          </Button>
        }
      />
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={POPUP}>
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-muted">{description}</AlertDialog.Description>
          {fields}
          {error !== null && <ErrorState error={error} />}
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Close render={<Button>Keep as it is</Button>} />
            <Button kind={kind === 'danger' ? 'danger' : 'primary'} isBusy={isBusy} onClick={() => void act()}>
              {confirm}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
