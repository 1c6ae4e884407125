import { Injectable } from '@nestjs/common';
import { DaybookError } from '../../platform/errors.js';
import { pageOf } from '../../platform/database/page.js';
import { type DestinationRow, DestinationRepository } from './destination.repository.js';

/** The URL to enable is not disabled. */
export class UrlNotDisabled extends DaybookError {
  readonly code = 'url-not-disabled';
  constructor() {
    super('This URL is not disabled. Copy it from disabled_urls of GET /api/callbacks/destinations.');
  }
}

/** Lists destinations and enables URLs, for operators. */
@Injectable()
export class DestinationsService {
  constructor(private readonly destinations: DestinationRepository) {}

  /** @returns One page, by name, and the cursor of the next (null at the end). */
  async list(after: string, limit: number): Promise<{ destinations: object[]; next_cursor: string | null }> {
    const read = (count: number) => this.destinations.list(after, count);
    const { page, next_cursor } = await pageOf(limit, read, ({ destination }) => destination);
    return { destinations: page.map(destinationView), next_cursor };
  }

  /** @throws UrlNotDisabled */
  async enable(url: string): Promise<object> {
    if (!(await this.destinations.enable(url))) throw new UrlNotDisabled();
    return { url, enabled: true, message: 'Callbacks are sent to this URL again. Failed ones can be redelivered.' };
  }
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
