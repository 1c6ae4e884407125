import { afterAll, beforeAll, describe } from '@jest/globals';
import { boardPlans } from './explain/board-plans.js';
import { callbackPlans } from './explain/callback-plans.js';
import { Explained } from './explain/explained.js';
import { importPlans } from './explain/import-plans.js';
import { jobPlans } from './explain/job-plans.js';
import { journalPlans } from './explain/journal-plans.js';
import { mailPlans } from './explain/mail-plans.js';
import { orderPlans } from './explain/order-plans.js';
import { requestPlans } from './explain/request-plans.js';
import { FINISHED } from './explain/rows.js';
import { schedulePlans } from './explain/schedule-plans.js';
import { ticketPlans } from './explain/ticket-plans.js';
import { userPlans } from './explain/user-plans.js';

const explained = new Explained();
beforeAll(() => explained.open(), 240_000);
afterAll(() => explained.close());

/** One database for all of them, because filling it takes most of the time. They run in this order. */
describe(`over ${FINISHED.toLocaleString('en')} finished requests, and books`, () => {
  boardPlans(explained);
  jobPlans(explained);
  journalPlans(explained);
  orderPlans(explained);
  importPlans(explained);
  ticketPlans(explained);
  callbackPlans(explained);
  requestPlans(explained);
  mailPlans(explained);
  userPlans(explained);
  schedulePlans(explained);
});
