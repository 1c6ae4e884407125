import { type FormEvent, useState } from 'react';
import { isProblem } from './errors';

/**
 * The state of a form that calls the API.
 * @param send Sends the fields: the text of one by its name, trimmed unless it is a password, or the whole form. Its error is
 *   kept for the form.
 */
export function useForm(send: (fields: (name: string) => string, form: FormData) => Promise<unknown>) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const { elements } = event.currentTarget;
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await send((name) => {
        const value = form.get(name);
        if (typeof value !== 'string') return '';
        const input = elements.namedItem(name);
        return input instanceof HTMLInputElement && input.type === 'password' ? value : value.trim();
      }, form);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const errors = isProblem(error) ? (error.errors ?? []) : [];
  /** The API's words about one field. */
  const errorOf = (path: string): string | null => errors.find((one) => one.path === path)?.message ?? null;
  return { isBusy, error, errorOf, onSubmit: (event: FormEvent<HTMLFormElement>) => void submit(event) };
}
