import type { AccountId } from '../../platform/tenant.js';

/** Lanes as the API shows them; `jobs/` implements it. */
export abstract class LiveLanes {
  /**
   * @param lane The name of one lane; undefined for the first lanes by name.
   * @param isOperator Whether to show which worker has leased a lane.
   */
  abstract live(account: AccountId, lane: string | undefined, isOperator: boolean): Promise<{ lane: string }[]>;
}
