import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import type { UserRole } from '../../src/http/caller.js';
import { post } from './client.js';
import type { Daybook } from './daybook.js';

export const PASSWORD = 'correct horse battery';

/** A registered user, its tokens, and the header with its access token. */
export interface TestUser {
  id: string;
  name: string;
  email: string;
  role: UserRole;
  token: string;
  refreshToken: string;
  headers: { authorization: string };
}

/** Registers a user, by default with a unique address. */
export async function registerUser(
  daybook: Pick<Daybook, 'url'>,
  role: UserRole,
  { name = 'Ada', email = `${uuidv7()}@users.example` }: { name?: string; email?: string } = {},
): Promise<TestUser> {
  const { status, text, json } = await post(daybook, '/api/auth/register', { name, email, password: PASSWORD, role });
  expect([text, status]).toEqual([text, 201]);
  const { token, refresh_token: refreshToken, id } = json as { token: string; refresh_token: string; id: string };
  return { id, name, email, role, token, refreshToken, headers: bearer(token) };
}

export const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
