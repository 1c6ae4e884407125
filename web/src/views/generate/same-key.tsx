import { useState } from 'react';
import { type Answer, newKey, perform } from '../../api/calls';
import { ApiError } from '../../api/errors';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { type Call, Curl } from '../../ui/code';
import { duration, number } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { ErrorState } from '../../ui/states';
import { type Column, Table } from '../../ui/table';

interface Sent {
  name: string;
  answer: Answer;
}

/** Sends a request twice with one idempotency key, as a client does that lost the first answer. */
export function SameKey({ call }: { call: Call }) {
  const { authentication } = useSession();
  const [key, setKey] = useState(newKey);
  const [sent, setSent] = useState<Sent[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const keyed = (value: string): Call => ({ ...call, headers: { 'Idempotency-Key': value } });
  async function sendTwice(): Promise<void> {
    const fresh = newKey();
    setKey(fresh);
    setSent([]);
    setError(null);
    setBusy(true);
    try {
      for (const name of ['First', 'Second']) {
        const answer = await perform(keyed(fresh));
        if (answer.problem) throw new ApiError(answer.problem);
        setSent((old) => [...old, { name, answer }]);
      }
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Panel
      title="The same key twice"
      hint="A client that lost the answer asks again with the same Idempotency-Key."
      actions={
        <Button isBusy={isBusy} onClick={() => void sendTwice()}>
          Send it twice
        </Button>
      }
    >
      {error !== null && <ErrorState error={error} />}
      {sent.length > 0 && <Table caption="Both answers" columns={COLUMNS} rows={sent} keyOf={({ name }) => name} />}
      {sent.length === 0 && (
        <p className="text-muted">
          The report of the form above is made once, and both answers are the same, byte for byte.
        </p>
      )}
      <Verdict sent={sent} />
      <Curl call={keyed(key)} needsKey={authentication === 'required'} />
    </Panel>
  );
}

const COLUMNS: Column<Sent>[] = [
  { head: 'Answer', cell: ({ name }) => name },
  { head: 'Status', cell: ({ answer }) => answer.status },
  { head: 'Idempotency-Replayed', cell: ({ answer }) => answer.headers.get('idempotency-replayed') ?? 'not sent' },
  { head: 'Bytes', cell: ({ answer }) => number(new Blob([answer.text]).size), isNumber: true },
  { head: 'Time', cell: ({ answer }) => duration(answer.tookMs), isNumber: true },
];

function Verdict({ sent: [first, second] }: { sent: Sent[] }) {
  if (!first || !second) return null;
  const isEqual = first.answer.text === second.answer.text;
  return (
    <p role="status" className="mt-3 flex flex-wrap items-center gap-2">
      <Badge tone={isEqual ? 'good' : 'bad'}>{isEqual ? 'equal' : 'different'}</Badge>
      {isEqual
        ? 'Both answers are the same, byte for byte: one report, not two.'
        : 'The answers differ. Was the first one still running?'}
    </p>
  );
}
