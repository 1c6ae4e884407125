import { Injectable } from '@nestjs/common';
import { NIL as NIL_ID } from 'uuid';
import { DaybookError } from '../../platform/errors.js';
import type { AccountId } from '../../platform/tenant.js';
import { pageOf } from '../../platform/database/page.js';
import { type DestinationRow, DestinationRepository } from './destination.repository.js';
import { type Target, targetKey } from './target.js';

/** The URL to enable is not disabled. */
export class UrlNotDisabled extends DaybookError {
  readonly code = 'url-not-disabled';
  override readonly message =
    'This URL is not disabled. Copy it from disabled_urls of GET /api/callbacks/destinations.';
}

/** Lists the destinations of an account, and enables its URLs. */
@Injectable()
export class DestinationsService {
  constructor(private readonly destinations: DestinationRepository) {}

  /**
   * @param cursor `next_cursor` of the previous page.
   * @returns One page, by name, and the cursor of the next (null at the end).
   */
  async list(
    account: AccountId,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ destinations: object[]; next_cursor: string | null }> {
    const read = (count: number) => this.destinations.list(account, afterCursor(cursor), count);
    const { page, next_cursor } = await pageOf(limit, read, targetKey);
    return { destinations: page.map(destinationView), next_cursor };
  }

  /** @throws UrlNotDisabled */
  async enable(account: AccountId, url: string): Promise<object> {
    if (!(await this.destinations.enable(account, url))) throw new UrlNotDisabled();
    return { url, enabled: true, message: 'Callbacks are sent to this URL again. Failed ones can be redelivered.' };
  }
}

/** The reverse of {@link targetKey}, which is the cursor. */
function afterCursor(cursor: string | undefined): Target {
  if (cursor === undefined) return { accountId: NIL_ID, destination: '' };
  const [accountId, ...destination] = cursor.split(' ');
  return { accountId: accountId!, destination: destination.join(' ') };
}

function destinationView(row: DestinationRow): object {
  return {
    destination: row.destination,
    state: row.state,
    failures: row.failures,
    not_closed_since: row.openedAt?.toISOString() ?? null,
    next_probe_at: row.openUntil?.toISOString() ?? null,
    has_waiting: row.hasWaiting,
    disabled_urls: row.disabledUrls,
  };
}
