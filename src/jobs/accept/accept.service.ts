import { Inject, Injectable } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import type { AccountId } from '../../platform/tenant.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { Query } from '../../platform/database/database.js';
import { isDataError } from '../../platform/database/outages.js';
import { newId } from '../../platform/ids.js';
import { laneName } from '../../platform/tenant.js';
import { FreeDisk } from '../../reports/storage/free-disk.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { KeyAlreadyUsed, LaneFull } from '../../requests/requests.errors.js';
import { type Acceptance, AcceptStore, type NewRequest } from './accept.store.js';
import { Backlog } from './backlog.service.js';
import { retryAfterS } from './retry-after.js';

/** The place of an accepted request in its lane. Position and jobs ahead are null for sync requests, which have no lane. */
export interface Place {
  id: string;
  queuePosition: number | null;
  jobsAhead: number | null;
}

/** Up to this many callers share a batch: a round trip for half of them costs more than it saves. */
const UNDIVIDED = 8;

/**
 * Callers that wait for their acknowledgement send the next request when they have it. In one batch all of them would wait
 * for the database, and then all for this process; in halves, one is written while the other is answered (decision 16).
 * @param previous Callers of the batch before: they are about to come again.
 */
function halfOfTheCallers(waiting: number, previous: number): number {
  return waiting <= UNDIVIDED ? waiting : Math.ceil((waiting + previous) / 2);
}

/** Accepts requests durably: idempotency key, lane position and request in one transaction. */
@Injectable()
export class AcceptService {
  private readonly accepting: Batcher<NewRequest, Acceptance>;

  constructor(
    private readonly store: AcceptStore,
    private readonly idempotency: IdempotencyService,
    private readonly backlog: Backlog,
    private readonly disk: FreeDisk,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_PENDING' | 'LANE_LEASE'>,
  ) {
    this.accepting = new Batcher((batch) => this.acceptBatch(batch), {
      isItemFault: isDataError,
      batchSize: halfOfTheCallers,
    });
  }

  /**
   * Accepts a request; it is durable when this resolves.
   * @throws DiskLow, StorageQuotaExceeded, AccountBacklogFull, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async accept(request: Omit<NewRequest, 'id'>): Promise<Place> {
    this.disk.check();
    const { account, mode, lane, report, format, params, callbackUrl, estimatedBytes, idempotency } = request;
    const id = newId();
    // A literal, not a spread: decision 15.
    const identified = { id, account, mode, lane, report, format, params, callbackUrl, estimatedBytes, idempotency };
    const accept = async (): Promise<Place> => this.placeOf(identified, await this.accepting.submit(identified));
    return mode === 'sync' ? accept() : this.backlog.admit(account, { requests: 1, bytes: estimatedBytes }, accept);
  }

  /**
   * Accepts requests all or none, at consecutive positions of their lanes; they are durable when this resolves.
   * @param account Of all the requests.
   * @param key The idempotency key of the whole batch.
   * @param answer Returns the response, which is also kept for a repeat with the same key.
   * @throws DiskLow, StorageQuotaExceeded, AccountBacklogFull, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptAll(
    account: AccountId,
    requests: Omit<NewRequest, 'id' | 'idempotency'>[],
    key: IdempotencyKey | null,
    answer: (places: Place[]) => object,
  ): Promise<object> {
    const { MAX_PENDING, LANE_LEASE } = this.config;
    this.disk.check();
    // The first request carries the key: if it is a duplicate, so is the batch.
    const batch = requests.map((request, index) => ({
      ...request,
      id: newId(),
      idempotency: index === 0 ? key : null,
    }));
    const places = (acceptances: Acceptance[]): Place[] =>
      acceptances.map((acceptance, index) => this.placeOf(batch[index]!, acceptance));
    const bytes = batch.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
    const accepted = await this.backlog.admit(account, { requests: batch.length, bytes }, async () => {
      const acceptances = await this.store.acceptAll(batch, MAX_PENDING, LANE_LEASE, async (query, all) => {
        if (key) await this.idempotency.keepResponse(key, 202, answer(places(all)), query);
        return true;
      });
      return places(acceptances);
    });
    return answer(accepted);
  }

  /**
   * Accepts an async request in one transaction with a write of the caller, both or neither.
   * @param alongside The write. It resolves with false to undo both, and runs again after a conflict.
   * @returns Null if `alongside` resolved with false.
   * @throws DiskLow, StorageQuotaExceeded, AccountBacklogFull, KeyAlreadyUsed, LaneFull, DatabaseUnavailable, and what
   *   `alongside` rejected with
   */
  async acceptAlongside(
    request: Omit<NewRequest, 'id'>,
    alongside: (query: Query, requestId: string) => Promise<boolean>,
  ): Promise<Place | null> {
    const { MAX_PENDING, LANE_LEASE } = this.config;
    this.disk.check();
    const identified = { ...request, id: newId() };
    const claim = { requests: 1, bytes: request.estimatedBytes };
    return this.backlog.admit(request.account, claim, async () => {
      let isKept = true;
      const keep = async (query: Query): Promise<boolean> => (isKept = await alongside(query, identified.id));
      const [acceptance] = await this.store.acceptAll([identified], MAX_PENDING, LANE_LEASE, keep);
      return isKept ? this.placeOf(identified, acceptance!) : null;
    });
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
    // A statement cannot delete rows that it has just inserted, so a second one deletes the keys of refused requests. If
    // it is lost, such a key refers to no request, and its next use frees it.
    const refused = batch.filter((_, index) => acceptances[index]?.outcome === 'lane-full');
    const keys = refused.flatMap(({ id, idempotency }) => (idempotency ? [{ ...idempotency, requestId: id }] : []));
    if (keys.length > 0) await this.idempotency.free(keys);
    return acceptances;
  }
}
