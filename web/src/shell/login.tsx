import { useEffect, useState } from 'react';
import { logIn } from '../api/session';
import { useForm } from '../api/use-form';
import { Button } from '../ui/button';
import { TextField } from '../ui/field';
import { Panel } from '../ui/panel';
import { ErrorState } from '../ui/states';

/** Asks for an API key, or for an address and a password. */
export function LoginPage() {
  const [kind, setKind] = useState<'key' | 'user'>('key');
  const { isBusy, error, onSubmit } = useForm((field) => {
    const byUser = { email: field('email'), password: field('password') };
    return logIn(kind === 'key' ? { api_key: field('api_key').trim() } : byUser);
  });
  useEffect(() => {
    document.title = 'Log in · Daybook';
  }, []);
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm">
        <p className="mb-4 flex items-center justify-center gap-3 font-display text-3xl font-semibold tracking-tight">
          <img src="/app/icon.svg" alt="" className="size-9" />
          Daybook
        </p>
        <Panel>
          <h1 className="pt-3 text-lg font-semibold">Log in</h1>
          <form onSubmit={onSubmit} className="mt-3 space-y-4">
            {kind === 'key' ? (
              <TextField
                key="key"
                label="API key"
                name="api_key"
                type="password"
                required
                autoFocus
                hint="npm run keys -- create --name me --scope admin makes the first one."
              />
            ) : (
              <>
                <TextField
                  key="email"
                  label="Email address"
                  name="email"
                  type="email"
                  autoComplete="username"
                  required
                  autoFocus
                />
                <TextField label="Password" name="password" type="password" autoComplete="current-password" required />
              </>
            )}
            {error !== null && <ErrorState error={error} />}
            <Button type="submit" kind="primary" className="w-full" isBusy={isBusy}>
              Log in
            </Button>
          </form>
          <Button kind="quiet" isSmall className="mt-3 w-full" onClick={() => setKind(kind === 'key' ? 'user' : 'key')}>
            {kind === 'key' ? 'Log in with an email address' : 'Log in with an API key'}
          </Button>
        </Panel>
      </div>
    </main>
  );
}
