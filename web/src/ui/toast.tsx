import { Toast } from '@base-ui/react/toast';
import type { ReactNode } from 'react';
import { describeError } from '../api/errors';

const manager = Toast.createToastManager();

/** Says that an action is done. */
export function announce(title: string, description?: string): void {
  manager.add({ title, description });
}

/** Shows why an action failed. It stays until it is closed. */
export function announceError(error: unknown): void {
  const { title, detail } = describeError(error);
  manager.add({ title, description: detail, type: 'error', timeout: 0, priority: 'high' });
}

/** Runs an action; announces its end or its error. */
export async function act(action: () => Promise<unknown>, done?: string): Promise<void> {
  try {
    await action();
    if (done !== undefined) announce(done);
  } catch (error) {
    announceError(error);
  }
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager} timeout={4_000}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="fixed right-4 bottom-4 z-10 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className="rounded-panel border bg-surface px-4 py-3 shadow-float data-[type=error]:border-bad data-[type=error]:bg-bad-soft"
    >
      <Toast.Content className="flex items-start justify-between gap-3">
        <div>
          <Toast.Title className="font-medium" />
          <Toast.Description className="text-sm text-muted" />
        </div>
        <Toast.Close aria-label="Close" className="rounded-control px-1.5 hover:bg-sunken">
          ×
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
