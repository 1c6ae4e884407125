import { Dialog } from '../ui/dialog';
import { VIEWS } from './navigation';

/** Lists the shortcuts. */
export default function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const rows = [
    ...VIEWS.map(({ key, title }) => [`g ${key}`, title] as const),
    ['/', 'Search in the view'] as const,
    ['?', 'These shortcuts'] as const,
  ];
  return (
    <Dialog title="Keyboard shortcuts" isOpen onOpenChange={onClose}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 sm:grid-cols-[auto_1fr_auto_1fr]">
        {rows.map(([keys, title]) => (
          <div key={keys} className="contents">
            <dt>
              {keys.split(' ').map((key, index) => (
                <kbd key={index} className="mr-1 rounded border border-line-strong bg-sunken px-1.5 font-mono text-sm">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
