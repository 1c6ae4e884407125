import { fetch } from 'undici';

export interface ReceivedEvent {
  type: string;
  id: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests say what they expect in it
  data: any;
}

/** An open event stream and the events that have arrived. */
export interface EventStream {
  status: number;
  events: ReceivedEvent[];
  /** Resolves when the server has ended the stream, or the connection is lost. */
  ended: Promise<void>;
  close(): void;
}

/** Opens an event stream and reads it in the background. */
export async function openEvents(
  { url }: { url: string },
  path: string,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const closing = new AbortController();
  const response = await fetch(url + path, { headers, signal: closing.signal });
  const events: ReceivedEvent[] = [];
  const read = async (): Promise<void> => {
    let text = '';
    for await (const bytes of response.body!) {
      text += Buffer.from(bytes).toString();
      const frames = text.split('\n\n');
      text = frames.pop()!;
      // A frame without data is a heartbeat.
      for (const frame of frames) if (/^data: /m.test(frame)) events.push(eventOf(frame));
    }
  };
  const ended = response.body ? read().catch(() => undefined) : Promise.resolve();
  return { status: response.status, events, ended, close: () => closing.abort() };
}

function eventOf(frame: string): ReceivedEvent {
  const fields = new Map(
    frame.split('\n').map((line) => [line.split(': ', 1)[0]!, line.slice(line.indexOf(': ') + 2)]),
  );
  return { type: fields.get('event')!, id: fields.get('id') ?? null, data: JSON.parse(fields.get('data')!) };
}
