import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { client, dataOf } from '../../api/client';
import type { components, paths } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { Curl } from '../../ui/code';
import { Dialog } from '../../ui/dialog';
import { TextArea } from '../../ui/field';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';
import { parseBody, sameBody } from './same-body';

type AsyncBody = NonNullable<paths['/api/async']['post']['requestBody']>['content']['application/json'];

/** Sends the request once more, as it was or changed, and opens the new one. */
export function SendAgainDialog({ request }: { request: components['schemas']['RequestDetail'] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Dialog
      title="Send again"
      description="A new async request with this body. Change it as you like."
      trigger={<Button kind="primary">Edit and send again</Button>}
      isOpen={isOpen}
      onOpenChange={setOpen}
    >
      <Form request={request} onSent={() => setOpen(false)} />
    </Dialog>
  );
}

function Form({ request, onSent }: { request: components['schemas']['RequestDetail']; onSent: () => void }) {
  const { authentication } = useSession();
  const navigate = useNavigate();
  const [text, setText] = useState(() => JSON.stringify(sameBody(request), null, 2));
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { body, problem } = parseBody(text);
  async function send(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      const answer = await dataOf(client.POST('/api/async', { body: body as AsyncBody, params: { header: {} } }));
      onSent();
      announce('Accepted', answer.message);
      await navigate({ to: '/app/requests/$id', params: { id: answer.request_id } });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <div className="space-y-4">
      <TextArea
        label="Body"
        hint="JSON. callback_url: null asks for no callback."
        error={problem}
        rows={14}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {error !== null && <ErrorState error={error} />}
      <Button kind="primary" isBusy={isBusy} disabled={problem !== null} onClick={() => void send()}>
        Send
      </Button>
      {problem === null && (
        <Curl call={{ method: 'POST', path: '/api/async', body }} needsKey={authentication === 'required'} />
      )}
    </div>
  );
}
