import { useState } from 'react';
import { client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import type { Scope } from '../../api/session';
import { useForm } from '../../api/use-form';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { CheckField, SelectField, TextField } from '../../ui/field';
import { ErrorState } from '../../ui/states';

type NewKey = components['schemas']['NewApiKey'];

const SCOPES: Record<Scope, string> = {
  'reports:read': 'See reports, requests, callbacks and lanes',
  'reports:write': 'Make reports, cancel and redeliver, rotate callback secrets',
  'books:read': 'See customers, orders and the journal',
  'books:write': 'Change customers and orders, import, post to the journal',
  'events:write': 'Change events',
  admin: 'Everything, keys and closing periods included',
};

const LIVES = [
  ['', 'never'],
  ['7d', 'in 7 days'],
  ['90d', 'in 90 days'],
  ['365d', 'in a year'],
] as const;

/** Creates an API key. Its text goes to `onCreated`, which shows it once. */
export function CreateKey({ onCreated }: { onCreated: (key: NewKey) => void }) {
  const [isOpen, setOpen] = useState(false);
  const { isBusy, error, onSubmit } = useForm(async (field, form) => {
    const life = field('expires_in');
    const body = {
      name: field('name'),
      account: field('account'),
      scopes: form.getAll('scopes') as Scope[],
      ...(life !== '' && { expires_in: life }),
    };
    onCreated(await dataOf(client.POST('/api/keys', { body })));
    await queryClient.invalidateQueries({ queryKey: ['get', '/api/keys'] });
    setOpen(false);
  });
  return (
    <Dialog
      title="Create an API key"
      description="Its text is shown once, after it is made."
      trigger={
        <Button isSmall kind="primary">
          Create a key
        </Button>
      }
      isOpen={isOpen}
      onOpenChange={setOpen}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <TextField label="Name" name="name" required maxLength={100} placeholder="ci" />
        <TextField
          label="Account"
          name="account"
          required
          maxLength={64}
          defaultValue="default"
          hint="Keys of one account see the same requests, books and callbacks."
        />
        <fieldset>
          <legend className="mb-1.5 text-sm font-medium">Scopes</legend>
          <div className="space-y-2">
            {Object.entries(SCOPES).map(([scope, meaning]) => (
              <CheckField
                key={scope}
                name="scopes"
                value={scope}
                label={scope}
                hint={meaning}
                defaultChecked={scope === 'reports:read'}
              />
            ))}
          </div>
        </fieldset>
        <SelectField label="Expires" name="expires_in" options={LIVES} />
        {error !== null && <ErrorState error={error} />}
        <Button type="submit" kind="primary" isBusy={isBusy}>
          Create the key
        </Button>
      </form>
    </Dialog>
  );
}
