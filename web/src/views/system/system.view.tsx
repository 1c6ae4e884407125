import { useMay, useSession } from '../../api/session';
import { Page } from '../../ui/page';
import { type Tab, Tabs, useTab } from '../../ui/tabs';
import { ActionLog } from './action-log';
import { Keys } from './keys';
import { Settings } from './settings';
import { Status } from './status';

/** The state of the service, its settings, its keys, and who changed what. Each caller sees the parts it may see. */
export function SystemView() {
  const { authentication } = useSession();
  const isOperator = useMay('operator');
  const isAdmin = useMay('admin');
  // Without accounts, the log shows what everybody did.
  const mayReadActions = useMay('reports:read') && (isOperator || authentication === 'required');
  const tabs: Tab[] = [
    { id: 'status', title: 'Status' },
    ...(isOperator ? [{ id: 'settings', title: 'Settings' }] : []),
    ...(isAdmin && authentication === 'required' ? [{ id: 'keys', title: 'API keys' }] : []),
    ...(mayReadActions ? [{ id: 'actions', title: 'Action log' }] : []),
  ];
  const tab = useTab(tabs);
  return (
    <Page title="System" intro="The service, the parts it depends on, and the changes that callers made.">
      {tabs.length > 1 && <Tabs label="Parts of System" tabs={tabs} />}
      {tab === 'status' && <Status />}
      {tab === 'settings' && <Settings />}
      {tab === 'keys' && <Keys />}
      {tab === 'actions' && <ActionLog />}
    </Page>
  );
}
