import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMay, useSession } from '../../api/session';
import type { Search } from '../../router';
import { buttonClasses } from '../../ui/button';
import { Curl } from '../../ui/code';
import { Panel } from '../../ui/panel';
import { useDemoReceiver } from '../callbacks/use-demo-receiver';
import { MAKE_CALL, MakeReport } from './make-report';

/** Shown while hardly anything exists: the ways into the product, with the shortest first. */
export function FirstSteps({ onMade }: { onMade: (id: string) => void }) {
  const { authentication } = useSession();
  const { isOn: hasReceiver } = useDemoReceiver();
  const mayBooks = useMay('books:write');
  const mayMeasure = useMay('admin');
  return (
    <Panel title="First steps" hint="Each takes less than a minute.">
      <ol className="mt-1 divide-y">
        <Step title="Make a report and download it" action={<MakeReport onMade={onMade} kind="secondary" isSmall />}>
          It appears in the list above, with its file.
          <Curl call={MAKE_CALL} needsKey={authentication === 'required'} />
        </Step>
        <Step title="Compare sync and async" action={<StepLink path="/app/generate">Generate</StepLink>}>
          Make one report in both ways, side by side with a stopwatch.
        </Step>
        {hasReceiver && (
          <Step
            title="See a callback fail, retry and arrive"
            action={
              <StepLink path="/app/callbacks" search={{ tab: 'try' }}>
                Callbacks
              </StepLink>
            }
          >
            The built-in receiver answers with an error at first.
          </Step>
        )}
        {mayBooks && (
          <Step title="Fill the books" action={<StepLink path="/app/books">Books</StepLink>}>
            Create demo customers and orders, or import your own.
          </Step>
        )}
        {mayMeasure && (
          <Step title="Measure it" action={<StepLink path="/app/load-test">Load test</StepLink>}>
            See how much sooner async callers get their answer on this machine.
          </Step>
        )}
      </ol>
    </Panel>
  );
}

function Step({ title, action, children }: { title: string; action: ReactNode; children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 py-3">
      <div className="min-w-0 grow basis-64">
        <h3 className="font-medium">{title}</h3>
        <div className="text-sm text-muted">{children}</div>
      </div>
      {action}
    </li>
  );
}

function StepLink({ path, search, children }: { path: string; search?: Search; children: string }) {
  return (
    <Link to={path} {...(search && { search })} className={buttonClasses('secondary', true)}>
      {children}
    </Link>
  );
}
