import type { AccountId } from '../platform/tenant.js';
import type { RequestStatus } from './request.entity.js';

/** A finished request, with the fields that its callback carries. */
export interface FinishedRequest {
  id: string;
  account: AccountId;
  status: Extract<RequestStatus, 'COMPLETED' | 'FAILED' | 'CANCELLED'>;
  /** Null for a sync request. */
  queuePosition: number | null;
  /** The result as JSON text; null unless the request completed. */
  result: string | null;
  /** The reason for a failure; null otherwise. */
  error: string | null;
  completedAt: Date;
}

/** Reads finished requests for the messages of callbacks. */
export abstract class FinishedRequests {
  /**
   * @returns The finished requests by id. Unfinished, deleted and unknown ids are missing from the map.
   * @throws DatabaseUnavailable
   */
  abstract find(ids: readonly string[]): Promise<Map<string, FinishedRequest>>;
}
