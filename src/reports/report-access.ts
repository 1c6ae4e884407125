import { InsufficientScope } from '../http/scopes.js';
import { catalogue } from './catalogue.js';

/** The scope that reports over the books need besides that of the route: they show the journal. */
export const JOURNAL_SCOPE = 'books:read';

/**
 * @param mayReadBooks Whether the caller has {@link JOURNAL_SCOPE}.
 * @throws InsufficientScope
 */
export function checkReportAccess(reports: Iterable<string>, mayReadBooks: boolean): void {
  if (mayReadBooks) return;
  for (const report of reports) if (catalogue.get(report)?.isOfJournal) throw new InsufficientScope(JOURNAL_SCOPE);
}
