import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { useForm } from './use-form';

function Form({ send }: { send: (email: string, password: string) => void }) {
  const { onSubmit } = useForm((field) => Promise.resolve(send(field('email'), field('password'))));
  return (
    <form onSubmit={onSubmit}>
      <input name="email" defaultValue=" a@b.example " />
      <input name="password" type="password" defaultValue=" with spaces " />
      <button type="submit">Send</button>
    </form>
  );
}

it('trims the fields of a form, but no password', async () => {
  const send = vi.fn();
  render(<Form send={send} />);
  fireEvent.click(screen.getByRole('button', { name: 'Send' }));
  await vi.waitFor(() => expect(send).toHaveBeenCalledWith('a@b.example', ' with spaces '));
});
