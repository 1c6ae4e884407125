import { DaybookError, LimitReached } from '../platform/errors.js';
import type { IdempotencyKey } from '../http/idempotency-key.js';

export class RequestNotFound extends DaybookError {
  readonly code = 'not-found';
  override readonly message = 'Request not found';
}

export class RequestUnfinished extends DaybookError {
  readonly code = 'request-unfinished';
  override readonly message =
    'The request is not finished, or its callback is still due. It can be deleted after that.';
}

/** Only a request that has not started can be cancelled, unless its report takes long. */
export class RequestNotPending extends DaybookError {
  readonly code = 'request-not-pending';
  override readonly message =
    'The request is no longer pending. Only a pending request, or a report over the books in progress, can be cancelled.';
}

/** Too many searches of the account are running. */
export class SearchBusy extends LimitReached {
  readonly code = 'search-busy';
  override readonly retryAfterS = 1;
  override readonly message = 'Too many searches of this account are running. Try again shortly.';
}

/** The lane has `MAX_PENDING` unfinished requests. */
export class LaneFull extends DaybookError {
  readonly code = 'lane-full';
  constructor(
    lane: string,
    maxPending: number,
    override readonly retryAfterS: number,
  ) {
    super(`Lane ${lane} has ${maxPending} unfinished requests, which is the limit. Nothing was accepted.`);
  }
}

/** The account has `MAX_PENDING_ACCOUNT` unfinished requests. */
export class AccountBacklogFull extends LimitReached {
  readonly code = 'account-backlog-full';
  constructor(
    maxPending: number,
    override readonly retryAfterS: number,
  ) {
    super(`The account may have ${maxPending} unfinished requests, and has no room for this. Nothing was accepted.`);
  }
}

/** The files of the account and those that its unfinished requests are expected to add reach `MAX_STORAGE_ACCOUNT`. */
export class StorageQuotaExceeded extends LimitReached {
  readonly code = 'storage-quota-exceeded';
  /** Sizes in bytes: of the limit, of stored files, and as estimated for unfinished requests and for these. */
  constructor({ limit, used, reserved, needed }: { limit: number; used: number; reserved: number; needed: number }) {
    super(
      `The account may store ${limit} bytes of report files. It stores ${used}, its unfinished requests are expected to ` +
        `add ${reserved}, and this would add ${needed}. Nothing was accepted; delete finished requests to make room.`,
    );
  }
}

/** Less space than `MIN_FREE_DISK` is free. An operator must act, or the retention. */
export class DiskLow extends LimitReached {
  readonly code = 'disk-low';
  override readonly retryAfterS = 60;
  constructor() {
    super('The service has too little free disk space (MIN_FREE_DISK). Nothing was accepted.');
  }
}

/** All threads for sync reports are busy and their queue is full. */
export class SyncBusy extends LimitReached {
  readonly code = 'sync-busy';
  constructor(
    limit: number,
    override readonly retryAfterS: number,
  ) {
    super(`${limit} sync requests are in progress or waiting, which is the limit. Nothing was accepted.`);
  }
}

/** The key was used before. The idempotency interceptor replays its first response. */
export class KeyAlreadyUsed extends Error {
  constructor(readonly idempotency: IdempotencyKey) {
    super(`Idempotency key ${idempotency.key} was used before`);
  }
}

export class KeyReusedForOtherBody extends DaybookError {
  readonly code = 'idempotency-key-reused';
  override readonly message = 'This idempotency key was used with a different body. Use a new key for a new request.';
}

export class KeyStillRunning extends DaybookError {
  readonly code = 'idempotency-key-in-progress';
  override readonly retryAfterS = 1;
  override readonly message = 'The first request with this idempotency key is still running. Try again shortly.';
}

export class ReportHasFailed extends DaybookError {
  readonly code: string = 'report-failed';
  constructor(
    readonly requestId: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** Start of the recorded reason of a report that did not fit in the storage of its account. */
export const OVER_STORAGE_QUOTA = 'The file is larger than the storage that the account has left';

/** The generated file did not fit in the storage of its account, and was removed. */
export class ReportOverQuota extends ReportHasFailed {
  override readonly code = 'report-over-quota';
}

/** Returns the failure of a request with this recorded reason. */
export function reportFailure(requestId: string, reason: string): ReportHasFailed {
  const Failure = reason.startsWith(OVER_STORAGE_QUOTA) ? ReportOverQuota : ReportHasFailed;
  return new Failure(requestId, reason);
}
