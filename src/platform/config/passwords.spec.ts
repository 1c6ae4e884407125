import { expect, it } from '@jest/globals';
import { passwordsOf } from './passwords.js';

it('finds the passwords of all URLs, as they are written and decoded', () => {
  const urls = {
    DATABASE_URL: 'postgres://u:first%40secret@h/d',
    REDIS_URL: 'redis://:second-secret@h',
    CALLBACK_PROXY: 'http://u:third-secret@h:3128',
    SMTP_URL: 'smtp://u:fourth%zzsecret@h:587',
  };
  expect(passwordsOf(urls).toSorted()).toEqual(
    ['first%40secret', 'first@secret', 'fourth%zzsecret', 'second-secret', 'third-secret'].toSorted(),
  );
});

it('leaves out texts that are no secrets', () => {
  expect(passwordsOf({ DATABASE_URL: 'postgres://postgres:postgres@h/d', REDIS_URL: 'redis://:abc@h' })).toEqual([]);
});
