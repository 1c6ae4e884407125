import type { ComponentType } from 'react';
import { useMay } from '../../api/session';
import { Page } from '../../ui/page';
import { type Tab, Tabs, useTab } from '../../ui/tabs';
import { NewSchedule } from './schedule-form';
import { ScheduleList } from './schedule-list';

const LIST: Tab & { Part: ComponentType } = { id: 'list', title: 'Schedules', Part: ScheduleList };
const NEW: Tab & { Part: ComponentType } = { id: 'new', title: 'New schedule', Part: NewSchedule };

/** Reports that recur: when each is due next, and how the last one went. */
export function SchedulesView() {
  const parts = useMay('reports:write') ? [LIST, NEW] : [LIST];
  const selected = useTab(parts);
  const Part = parts.find(({ id }) => id === selected)?.Part;
  return (
    <Page title="Schedules" intro="Reports that recur. Each due time is accepted once, also after an outage.">
      {parts.length > 1 && <Tabs label="Parts of the schedules" tabs={parts} />}
      {Part && <Part key={selected} />}
    </Page>
  );
}
