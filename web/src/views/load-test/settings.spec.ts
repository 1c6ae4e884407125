import { expect, it } from 'vitest';
import { bodyOf, fieldsOf } from './settings';

it('without parameters a run has the defaults of the form', () => {
  expect(bodyOf(fieldsOf({}))).toEqual({
    mode: 'both',
    report: 'transactions',
    num_transactions: 50,
    concurrency: 20,
    num_requests: 200,
  });
});

it('the body has the settings of the chosen report and load alone', () => {
  const search = { report: 'digest', iterations: '10', model: 'rate', rate: '2.5', duration: '4', rows: '7' };
  expect(bodyOf(fieldsOf(search))).toEqual({
    mode: 'both',
    report: 'digest',
    iterations: 10,
    rate: 2.5,
    duration_seconds: 4,
    ramp_seconds: 0,
  });
});
