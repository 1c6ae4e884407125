import { describe, expect, it } from '@jest/globals';
import { redact } from './redact.js';

describe('redact', () => {
  it.each([
    ['the secret whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD== is bad', 'the secret whsec_*** is bad'],
    ['whsk_abc+/=', 'whsk_***'],
    ['key "dbk_live-3f_9Z" unknown', 'key "dbk_***" unknown'],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer ***'],
    ['authorization: basic dXNlcjpwYXNz,', 'authorization: basic ***,'],
    ['at postgres://daybook:hunter2@db:5432/daybook', 'at postgres://***@db:5432/daybook'],
    ['redis://:p%40ss@cache', 'redis://***@cache'],
    ['at postgres://u:p@s/s?x#y@db:5432/d failed', 'at postgres://***@db:5432/d failed'],
    ['POST https://example.com/hook?token=t&x=1 failed', 'POST https://example.com/hook?*** failed'],
    ['{"url":"http://h/a?token=t","n":1}', '{"url":"http://h/a?***","n":1}'],
    ['https://example.com/hook#secret', 'https://example.com/hook?***'],
  ])('makes %j %j', (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it.each(['Waiting for Postgres at db:5432', 'GET https://example.com/hook', 'a@b.example', 'Why? Because.'])(
    'leaves %j alone',
    (text) => {
      expect(redact(text)).toBe(text);
    },
  );
});
