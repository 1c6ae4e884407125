import { it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { startDaybook } from '../support/daybook.js';
import { redisUrl } from '../support/redis.js';
import { UNLIMITED } from '../support/submit.js';
import { expectOrderKept } from './order-fixture.js';

it('1,000 async requests from 32 connections run and are delivered in order by an API and two workers over Bull', async () => {
  const [database, redis] = await Promise.all([createDatabase(), redisUrl()]);
  const env = { ...UNLIMITED, DATABASE_URL: database.url, REDIS_URL: redis };
  const [api] = await Promise.all([
    startDaybook({ role: 'api', env }),
    startDaybook({ role: 'worker', env }),
    startDaybook({ role: 'worker', env }),
  ]);
  await expectOrderKept(api);
  await database.drop();
});
