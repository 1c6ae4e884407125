import { useState } from 'react';
import { type Answer, perform } from '../../api/calls';
import { useSession } from '../../api/session';
import { Button } from '../../ui/button';
import { type Call, Curl } from '../../ui/code';
import { TextField } from '../../ui/field';
import { Badge, Panel } from '../../ui/panel';
import { ErrorState } from '../../ui/states';

/** URLs that must not be called from inside of a network, with the reason to try them. */
const URLS: [url: string, why: string][] = [
  ['http://10.0.0.1/', 'A private network'],
  ['http://169.254.169.254/latest/', 'Metadata of a cloud machine'],
  ['http://localhost:22/', 'A port of another protocol on this machine'],
  ['http://[::1]/', 'This machine, by IPv6'],
  ['http://0x7f.1/', 'This machine, in disguise'],
  ['http://user:secret@example.com/', 'A password in the URL'],
  ['ftp://x', 'Another protocol'],
];

interface Tried {
  url: string;
  answer: Answer;
}

const callOf = (url: string): Call => ({
  method: 'POST',
  path: '/api/async',
  body: { report: 'digest', payload: { input_data: 'x', iterations: 1 }, lane: 'callback-urls', callback_url: url },
});

/** Tries callback URLs that reach into the network of the service, and shows the API's answers. */
export function BlockedUrls() {
  const { authentication } = useSession();
  const [tried, setTried] = useState<Tried[]>([]);
  const [own, setOwn] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  async function attempt(urls: string[]): Promise<void> {
    setBusy(true);
    setFailure(null);
    try {
      for (const url of urls) {
        const answer = await perform(callOf(url));
        setTried((old) => [...old.filter((entry) => entry.url !== url), { url, answer }]);
      }
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  }
  const others = tried.filter(({ url }) => !URLS.some(([known]) => known === url));
  const rows = [...URLS, ...others.map(({ url }) => [url, 'Yours'] as [string, string])];
  return (
    <Panel
      title="Blocked callback URLs"
      hint="A callback must not reach into your network. URLs are judged at accept, and again at each attempt."
      actions={
        <Button isBusy={isBusy} onClick={() => void attempt(rows.map(([url]) => url))}>
          Try all of them
        </Button>
      }
    >
      {failure !== null && <ErrorState error={failure} />}
      <ul className="divide-y border-y">
        {rows.map(([url, why]) => (
          <Row key={url} url={url} why={why} answer={tried.find((entry) => entry.url === url)?.answer} />
        ))}
      </ul>
      <form
        className="mt-4 flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (own.trim() !== '') void attempt([own.trim()]);
        }}
      >
        <TextField
          label="Another URL"
          className="min-w-0 grow sm:max-w-md"
          maxLength={2_048}
          spellCheck={false}
          placeholder="http://192.168.1.1/"
          value={own}
          onChange={({ target }) => setOwn(target.value)}
        />
        <Button type="submit" disabled={isBusy || own.trim() === ''}>
          Try it
        </Button>
      </form>
      <Curl call={callOf(own.trim() || URLS[0]![0])} needsKey={authentication === 'required'} />
    </Panel>
  );
}

function Row({ url, why, answer }: { url: string; why: string; answer: Answer | undefined }) {
  return (
    <li className="grid gap-x-4 gap-y-1 py-2.5 lg:grid-cols-[20rem_minmax(0,1fr)]">
      <div className="min-w-0">
        <p className="font-mono text-sm break-all">{url}</p>
        <p className="text-sm text-muted">{why}</p>
      </div>
      <div aria-live="polite" className="min-h-6 min-w-0">
        {answer === undefined ? <span className="text-sm text-muted">Not tried yet</span> : <Words answer={answer} />}
      </div>
    </li>
  );
}

function Words({ answer: { status, problem } }: { answer: Answer }) {
  if (status === 400 && problem) {
    return (
      <p className="text-sm">
        <Badge tone="good">refused {status}</Badge> {problem.detail}
      </p>
    );
  }
  return (
    <p className="text-sm">
      <Badge tone="warn">{problem ? `answer ${status}` : `accepted ${status}`}</Badge>{' '}
      {problem?.detail ?? 'This installation allows it (CALLBACK_ALLOW), or it is a public address.'}
    </p>
  );
}
