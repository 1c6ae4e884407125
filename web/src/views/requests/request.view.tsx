import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { Button, buttonClasses } from '../../ui/button';
import { CopyButton, Json } from '../../ui/code';
import { ConfirmButton } from '../../ui/dialog';
import { bytes, number } from '../../ui/format';
import { Page } from '../../ui/page';
import { Panel, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { act } from '../../ui/toast';
import { SendAgainDialog } from './send-again.dialog';
import { Timeline } from './timeline';

type Detail = components['schemas']['RequestDetail'];

const POLL_MS = 1_000;

const isFinished = ({ status }: Detail): boolean => status !== 'PENDING' && status !== 'PROCESSING';
const isCallbackDue = (request: Detail): boolean => isFinished(request) && request.callback_status === 'PENDING';

/** One request: its history, its result, and what can be done with it. It is read again until it is over. */
export function RequestView() {
  const { id } = useParams({ from: '/app/requests/$id' });
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/requests/{id}',
    { params: { path: { id } } },
    {
      refetchInterval: ({ state }) =>
        state.data && isFinished(state.data) && !isCallbackDue(state.data) ? false : POLL_MS,
    },
  );
  const back = (
    <Link to="/app/requests" className="underline underline-offset-2">
      All requests
    </Link>
  );
  if (error) {
    return (
      <Page title="Request" intro={back}>
        <ErrorState error={error} onRetry={() => void refetch()} />
      </Page>
    );
  }
  return (
    <Page
      title={data ? `Request: ${data.report}` : 'Request'}
      intro={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          {back}
          <span className="font-mono text-sm break-all">{id}</span>
          <CopyButton text={id} label="Copy id" />
        </span>
      }
      actions={data && <Actions request={data} />}
    >
      {data ? <Detail request={data} /> : <Loading />}
    </Page>
  );
}

const Loading = () => (
  <Panel title="Timeline">
    <Skeleton rows={8} />
  </Panel>
);

function Detail({ request }: { request: Detail }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)]">
      <Panel title="Timeline">
        <Timeline request={request} />
      </Panel>
      <div className="space-y-5">
        <Summary request={request} />
        <File result={request.result_payload} />
        <Panel title="Payload">
          <Json label="Payload" value={request.input_payload} />
        </Panel>
        {request.result_payload !== null && (
          <Panel title="Result">
            <Json label="Result" value={request.result_payload} />
          </Panel>
        )}
      </div>
    </div>
  );
}

function Summary({ request }: { request: Detail }) {
  const { status, mode, lane, queue_position: position, callback_url: url, callback_status, idempotency_key } = request;
  return (
    <Panel title="State">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2">
        <dt className="text-muted">Status</dt>
        <dd>
          <StatusBadge status={status} />
        </dd>
        <dt className="text-muted">Mode</dt>
        <dd>{mode}</dd>
        {lane !== null && (
          <>
            <dt className="text-muted">Lane</dt>
            <dd>
              <Link
                to="/app/requests"
                search={{ lane }}
                className="break-all underline underline-offset-2"
                title="Requests of this lane"
              >
                {lane}
              </Link>{' '}
              #{position}
            </dd>
          </>
        )}
        <dt className="text-muted">Callback</dt>
        <dd>
          {url === null ? (
            'none'
          ) : (
            <>
              {callback_status && <StatusBadge status={callback_status} />}{' '}
              <span className="block font-mono text-xs break-all">{url}</span>
            </>
          )}
        </dd>
        {idempotency_key !== null && (
          <>
            <dt className="text-muted">Idempotency key</dt>
            <dd className="font-mono text-sm break-all">{idempotency_key}</dd>
          </>
        )}
      </dl>
    </Panel>
  );
}

/** The file of a result: fields that every report with a file has. */
function File({ result }: { result: Detail['result_payload'] }) {
  const { file_name: name, file_size_bytes: size, sha256, row_count: rows } = result ?? {};
  if (typeof name !== 'string') return null;
  const facts = [
    typeof rows === 'number' && `${number(rows)} ${rows === 1 ? 'row' : 'rows'}`,
    typeof size === 'number' && bytes(size),
  ].filter(Boolean);
  return (
    <Panel
      title="File"
      actions={
        <a href={`/api/reports/${encodeURIComponent(name)}`} download className={buttonClasses('primary', true)}>
          Download
        </a>
      }
    >
      <p className="break-all">{name}</p>
      <p className="text-muted">{facts.join(', ')}</p>
      {typeof sha256 === 'string' && (
        <div className="mt-2 flex items-start justify-between gap-2">
          <p className="font-mono text-xs break-all">
            <span className="text-muted">sha256</span> {sha256}
          </p>
          <CopyButton text={sha256} />
        </div>
      )}
    </Panel>
  );
}

const refresh = () => queryClient.invalidateQueries({ queryKey: ['get', '/api/requests/{id}'] });

function Actions({ request }: { request: Detail }) {
  const { id, status, report } = request;
  const navigate = useNavigate();
  if (!useMay('reports:write')) return null;
  const params = { path: { id } };
  const cancel = async () => {
    await dataOf(client.POST('/api/requests/{id}/cancel', { params }));
    await refresh();
  };
  const redeliver = async () => {
    await dataOf(client.POST('/api/requests/{id}/redeliver', { params }));
    await refresh();
  };
  const remove = async () => {
    await dataOf(client.DELETE('/api/requests/{id}', { params }));
    await navigate({ to: '/app/requests' });
    await queryClient.invalidateQueries({ queryKey: ['get', '/api/requests'] });
  };
  const isOver = isFinished(request);
  return (
    <>
      <SendAgainDialog request={request} />
      {isOver && request.callback_url !== null && request.callback_status !== 'PENDING' && (
        <Button onClick={() => void act(redeliver, 'The callback is due again')}>Redeliver callback</Button>
      )}
      {status === 'PENDING' && (
        <ConfirmButton
          title="Cancel this request?"
          description={`1 report (${report}) will not be generated.${request.callback_url === null ? '' : ' Its callback says that it was cancelled.'}`}
          confirm="Cancel request"
          onConfirm={cancel}
        >
          Cancel request
        </ConfirmButton>
      )}
      {isOver && !isCallbackDue(request) && (
        <ConfirmButton
          title="Delete this request?"
          description={`1 request, its ${request.callback_attempts} callback ${request.callback_attempts === 1 ? 'attempt' : 'attempts'} and its file are deleted. This cannot be undone.`}
          confirm="Delete request"
          onConfirm={remove}
        >
          Delete
        </ConfirmButton>
      )}
    </>
  );
}
