import { Inject, Injectable } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isDataError } from '../../platform/database/database.js';
import { newId } from '../../platform/ids.js';
import { laneName } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { KeyAlreadyUsed, LaneFull } from '../../requests/requests.errors.js';
import { type Acceptance, AcceptStore, type NewRequest } from './accept.store.js';
import { Backlog } from './backlog.service.js';
import { retryAfterS } from './retry-after.js';

/** Where an accepted request stands. Both are null for sync, which does not queue. */
export interface Place {
  id: string;
  queuePosition: number | null;
  jobsAhead: number | null;
}

/** Accepts requests durably: idempotency key, lane position and request in one transaction. */
@Injectable()
export class AcceptService {
  private readonly accepting: Batcher<NewRequest, Acceptance>;

  constructor(
    private readonly store: AcceptStore,
    private readonly idempotency: IdempotencyService,
    private readonly backlog: Backlog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_PENDING' | 'LANE_LEASE'>,
  ) {
    this.accepting = new Batcher((batch) => this.acceptBatch(batch), {
      isItemFault: isDataError,
    });
  }

  /**
   * Accepts a request; when this resolves it is durable.
   * @throws KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async accept(request: Omit<NewRequest, 'id'>): Promise<Place> {
    const { account, mode, lane, report, format, params, callbackUrl, idempotency } = request;
    // Written out, see decision 15.
    const identified = { id: newId(), account, mode, lane, report, format, params, callbackUrl, idempotency };
    const place = this.placeOf(identified, await this.accepting.submit(identified));
    if (place.queuePosition !== null) this.backlog.add(1);
    return place;
  }

  /**
   * Accepts requests all or none, at consecutive positions of their lanes; durable when this resolves.
   * @param key Of them all.
   * @param answer What to keep for a repeat under the key.
   * @throws KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptAll(
    requests: Omit<NewRequest, 'id' | 'idempotency'>[],
    key: IdempotencyKey | null,
    answer: (places: Place[]) => object,
  ): Promise<object> {
    const { MAX_PENDING, LANE_LEASE } = this.config;
    // The key goes with the first: whether that one is fresh decides for all.
    const batch = requests.map((request, index) => ({
      ...request,
      id: newId(),
      idempotency: index === 0 ? key : null,
    }));
    const places = (acceptances: Acceptance[]): Place[] =>
      acceptances.map((acceptance, index) => this.placeOf(batch[index]!, acceptance));
    const acceptances = await this.store.acceptAll(batch, MAX_PENDING, LANE_LEASE, async (query, accepted) => {
      if (key) await this.idempotency.keepResponse(key, 202, answer(places(accepted)), query);
    });
    const accepted = places(acceptances);
    this.backlog.add(accepted.length);
    return answer(accepted);
  }

  private placeOf(request: NewRequest, acceptance: Acceptance): Place {
    if (acceptance.outcome === 'duplicate') throw new KeyAlreadyUsed(request.idempotency!);
    if (acceptance.outcome === 'lane-full') {
      const { MAX_PENDING } = this.config;
      throw new LaneFull(laneName(request.lane!), MAX_PENDING, retryAfterS(MAX_PENDING, acceptance.throughputPerS));
    }
    return { id: request.id, queuePosition: acceptance.queuePosition, jobsAhead: acceptance.jobsAhead };
  }

  private async acceptBatch(batch: NewRequest[]): Promise<Acceptance[]> {
    const acceptances = await this.store.accept(batch, this.config.MAX_PENDING, this.config.LANE_LEASE);
    // A statement cannot take back rows it has just inserted, so the keys of those that found no room go in a second
    // one. Should it be lost, such a key names no request, and whoever uses it next frees it.
    const refused = batch.filter((_, index) => acceptances[index]?.outcome === 'lane-full');
    const keys = refused.flatMap(({ id, idempotency }) => (idempotency ? [{ ...idempotency, requestId: id }] : []));
    if (keys.length > 0) await this.idempotency.free(keys);
    return acceptances;
  }
}
