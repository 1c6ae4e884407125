import { number } from '../../ui/format';

/** A number of tickets in words. */
export const tickets = (count: number): string => `${number(count)} ${count === 1 ? 'ticket' : 'tickets'}`;

/** Tickets sold of all tickets, as a bar with its numbers. */
export function Sold({ sold, total }: { sold: number; total: number }) {
  const left = total - sold;
  return (
    <div className="w-36">
      <div className="flex justify-between gap-2 text-sm">
        <span>
          {number(sold)} of {number(total)}
        </span>
        <span className="text-muted">{left === 0 ? 'sold out' : `${number(left)} left`}</span>
      </div>
      <div className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken" aria-hidden>
        <div
          className="h-full rounded-full bg-accent"
          style={{ width: `${total === 0 ? 0 : (sold / total) * 100}%` }}
        />
      </div>
    </div>
  );
}
