import { useMay } from '../../api/session';
import { Page } from '../../ui/page';
import { type Tab, Tabs, useTab } from '../../ui/tabs';
import { Deliveries } from './deliveries';
import { DemoReceiver } from './demo-receiver';
import { Ping } from './ping';
import { RedeliverDead } from './redeliveries';
import { Secrets } from './secrets';
import { useDemoReceiver } from './use-demo-receiver';

const DELIVERIES: Tab = { id: 'deliveries', title: 'Deliveries' };
const TRY: Tab = { id: 'try', title: 'Try it' };
const SECRETS: Tab = { id: 'secrets', title: 'Secrets' };

/** Callbacks by destination and status, what failed and why, and the means to put it right. */
export function CallbacksView() {
  const mayWrite = useMay('reports:write');
  const { isOn } = useDemoReceiver();
  const tabs = isOn ? [DELIVERIES, TRY, SECRETS] : [DELIVERIES, SECRETS];
  const tab = useTab(tabs);
  return (
    <Page
      title="Callbacks"
      intro="Each finished report is sent to its callback URL, signed, and sent again while the receiver fails."
      actions={
        mayWrite && (
          <>
            <Ping />
            <RedeliverDead />
          </>
        )
      }
    >
      <Tabs label="Parts of Callbacks" tabs={tabs} />
      {tab === 'deliveries' && <Deliveries />}
      {tab === 'try' && <DemoReceiver />}
      {tab === 'secrets' && <Secrets />}
    </Page>
  );
}
