import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import type { Acceptance, ReportContext } from '../../src/reports/define-report.js';
import { PostedEntries } from '../../src/reports/posted-entries.js';

/** A journal without entries. */
export class NoEntries extends PostedEntries {
  override newest = () => Promise.resolve(0);
  override earliestEffectiveAt = () => Promise.resolve(null);
  override hasCustomer = () => Promise.resolve(false);
}

/** The context of a report that reads nothing. */
export function reportContext(context: Omit<ReportContext, 'account' | 'openSnapshot'>): ReportContext {
  const openSnapshot = () => Promise.reject(new Error('This report reads nothing'));
  return { ...context, account: OPEN_INSTALLATION, openSnapshot };
}

/** An acceptance at a time, of an account without entries. */
export function acceptedAt(time: string): Acceptance {
  return { at: new Date(time), account: OPEN_INSTALLATION, entries: new NoEntries() };
}
