import { useState } from 'react';
import { client, dataOf } from '../../api/client';
import { logIn } from '../../api/session';
import { useForm } from '../../api/use-form';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { SelectField, TextField } from '../../ui/field';
import { Panel } from '../../ui/panel';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';

/** Says that publishing and booking need a user, and lets one log in or register. */
export function Account() {
  const [isOpen, setOpen] = useState<'login' | 'register' | null>(null);
  const close = () => setOpen(null);
  return (
    <Panel>
      <div className="flex flex-wrap items-center justify-between gap-3 pt-2">
        <p className="max-w-prose">
          <span className="font-medium">You see the public events.</span>{' '}
          <span className="text-muted">Publishing and booking need a user.</span>
        </p>
        <div className="flex gap-2">
          <Dialog
            title="Log in as a user"
            trigger={<Button>Log in</Button>}
            isOpen={isOpen === 'login'}
            onOpenChange={(open) => setOpen(open ? 'login' : null)}
          >
            <LoginForm onDone={close} />
          </Dialog>
          <Dialog
            title="Register a user"
            description="An organizer publishes events and has books of its own. A customer books tickets."
            trigger={<Button kind="primary">Register</Button>}
            isOpen={isOpen === 'register'}
            onOpenChange={(open) => setOpen(open ? 'register' : null)}
          >
            <RegisterForm onDone={close} />
          </Dialog>
        </div>
      </div>
    </Panel>
  );
}

function LoginForm({ onDone }: { onDone: () => void }) {
  const { isBusy, error, onSubmit } = useForm(async (field) => {
    await logIn({ email: field('email'), password: field('password') });
    onDone();
  });
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <TextField label="Email address" name="email" type="email" autoComplete="username" required />
      <TextField label="Password" name="password" type="password" autoComplete="current-password" required />
      {error !== null && <ErrorState error={error} />}
      <Button type="submit" kind="primary" className="w-full" isBusy={isBusy}>
        Log in
      </Button>
    </form>
  );
}

const ROLES = [
  ['customer', 'Customer: books tickets'],
  ['organizer', 'Organizer: publishes events'],
] as const;

function RegisterForm({ onDone }: { onDone: () => void }) {
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const login = { email: field('email'), password: field('password') };
    const role = field('role') === 'organizer' ? ('organizer' as const) : ('customer' as const);
    const { name } = await dataOf(client.POST('/api/auth/register', { body: { ...login, name: field('name'), role } }));
    await logIn(login);
    announce(`You are registered, ${name}`);
    onDone();
  });
  const errors = ['name', 'email', 'password', 'role'].map(errorOf);
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <SelectField label="Role" name="role" options={ROLES} error={errors[3]} />
      <TextField label="Name" name="name" autoComplete="name" required error={errors[0]} />
      <TextField label="Email address" name="email" type="email" autoComplete="username" required error={errors[1]} />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={128}
        hint="8 to 128 characters"
        error={errors[2]}
      />
      {error !== null && errors.every((text) => text === null) && <ErrorState error={error} />}
      <Button type="submit" kind="primary" className="w-full" isBusy={isBusy}>
        Register
      </Button>
    </form>
  );
}
