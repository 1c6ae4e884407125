import type { TemplateData } from '../templates/template-data.js';

type Changed = TemplateData['event-changed'];

/**
 * Combines two changes of an event, so that attendees get one message. It shows each field's value before the first change, and
 * leaves out a field that has this value again.
 */
export function mergeChanges(earlier: Changed, later: Changed): Changed {
  const merged = new Map(earlier.changes.map((change) => [change.field, change]));
  for (const change of later.changes) {
    merged.set(change.field, { ...change, from: merged.get(change.field)?.from ?? change.from });
  }
  return { event: later.event, changes: [...merged.values()].filter(({ from, to }) => from !== to) };
}
