import type { IdempotencyKey } from '../../../src/http/idempotency-key.js';
import { IdempotencyRecord } from '../../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyRepository } from '../../../src/requests/idempotency/idempotency.repository.js';
import { RequestRecord } from '../../../src/requests/request.entity.js';
import { RequestRepository } from '../../../src/requests/request.repository.js';
import { RequestSearch } from '../../../src/requests/search/request-search.js';
import { RequestSearchRepository } from '../../../src/requests/search/request-search.repository.js';
import type { Explained } from './explained.js';

export const log = ({ dataSource }: Explained) => new RequestRepository(dataSource.getRepository(RequestRecord));

export const search = ({ dataSource }: Explained) =>
  new RequestSearch(new RequestSearchRepository(dataSource.getRepository(RequestRecord)));

export const keys = ({ dataSource }: Explained) =>
  new IdempotencyRepository(dataSource.getRepository(IdempotencyRecord));

export const keyed = (key: string): IdempotencyKey => ({
  caller: 'open',
  scope: 'POST /api/async',
  key,
  fingerprint: 'f',
});
