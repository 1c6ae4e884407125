import { client, dataOf } from '../../api/client';
import { Button, type ButtonProps } from '../../ui/button';
import type { Call } from '../../ui/code';
import { act } from '../../ui/toast';

/** A report that shows something: a CSV of a month, into the default lane. */
const BODY = { report: 'transactions', payload: { num_transactions: 200 }, callback_url: null } as const;

export const MAKE_CALL: Call = { method: 'POST', path: '/api/async', body: BODY };

/** Asks for a report. It appears in the list by itself. */
export function MakeReport({ onMade, ...button }: { onMade: (id: string) => void } & Omit<ButtonProps, 'onClick'>) {
  const make = () =>
    act(async () => {
      const { request_id } = await dataOf(client.POST('/api/async', { body: BODY, params: { header: {} } }));
      onMade(request_id);
    }, 'The report is on its way');
  return (
    <Button kind="primary" {...button} onClick={() => void make()}>
      Make a report
    </Button>
  );
}
