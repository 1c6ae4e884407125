import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask } from './answer.js';
import type { Acknowledgement, Cancellation, History, Sighting, Submission, Try } from './history.js';
import { Random } from './random.js';

const CLIENTS = 8;
const LANES = ['default', 'default', 'invoices', 'invoices', 'ledger', 'audit'] as const;
/** How long a client repeats a submission that got no clear response. */
const PATIENCE_MS = 90_000;
/** No response, or one that asks to retry. The client sends the same body under the same key again. */
const UNCLEAR = new Set<number | null>([null, 409, 503]);

/** The requests of the clients and their responses. */
export type ClientLog = Pick<History, 'submissions' | 'cancellations' | 'sightings'>;

/**
 * Clients that submit one request or batch after the other until `stop()`, most with an idempotency key. They repeat
 * submissions without a clear response, and some of the others too. They cancel some requests and poll others.
 */
export class Clients {
  readonly log: ClientLog = { submissions: [], cancellations: [], sightings: [] };
  private isStopping = false;
  private readonly running: Promise<void>[];
  private readonly asides: Promise<void>[] = [];

  constructor(
    seed: number,
    private readonly apis: string[],
    private readonly receivers: string[],
  ) {
    this.running = Array.from({ length: CLIENTS }, (_, index) => this.run(new Random(seed + index), `client ${index}`));
  }

  /** Resolves when no client waits for a response. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.running);
    await Promise.all(this.asides);
  }

  private async run(random: Random, name: string): Promise<void> {
    for (let count = 0; !this.isStopping; count++) {
      const { submission, path, body } = this.compose(random, `${name} ${count}`);
      this.log.submissions.push(submission);
      const acknowledged = await this.submit(random, submission, path, body);
      if (acknowledged.length > 0) this.asides.push(this.follow(random, submission, path, body, acknowledged));
      await sleep(random.between(20, 400));
    }
  }

  private compose(random: Random, marker: string) {
    const count = random.percent(12) ? random.between(2, 6) : 1;
    const items = Array.from({ length: count }, (_, index) => ({
      marker: `${marker} ${index}`,
      lane: random.pick(LANES),
      callbackUrl: random.percent(10) ? null : `${random.pick(this.receivers)}/hook`,
    }));
    const bodies = items.map(({ marker: name, lane, callbackUrl }) => ({
      ...work(random, name),
      lane,
      callback_url: callbackUrl,
    }));
    const submission: Submission = { key: random.percent(85) ? marker : null, items, tries: [] };
    const isBatch = count > 1 || random.percent(5);
    return isBatch
      ? { submission, path: '/api/batch', body: { requests: bodies } }
      : { submission, path: '/api/async', body: bodies[0]! };
  }

  /**
   * Repeats a submission until the response is clear. Without a key it sends once, because a repeat would create
   * another request.
   */
  private async submit(random: Random, submission: Submission, path: string, body: object): Promise<Acknowledgement[]> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const { status, acknowledged } = await this.tryOnce(random, submission, path, body);
      if (!UNCLEAR.has(status) || submission.key === null || performance.now() > giveUpAtMs) return acknowledged;
      await sleep(random.between(50, 600));
    }
  }

  private async tryOnce(random: Random, { key, tries }: Submission, path: string, body: object): Promise<Try> {
    const sentAtMs = performance.now();
    const headers = { 'content-type': 'application/json', ...(key !== null && { 'idempotency-key': key }) };
    const answer = await this.ask(random, path, { method: 'POST', headers, body: JSON.stringify(body) });
    const acknowledged = answer.status === 202 ? placesOf(answer.body) : [];
    const attempt = { sentAtMs, endedAtMs: performance.now(), status: answer.status, acknowledged };
    tries.push(attempt);
    return attempt;
  }

  /** Repeats, cancels or polls some of the acknowledged requests. */
  private async follow(
    random: Random,
    submission: Submission,
    path: string,
    body: object,
    acknowledged: Acknowledgement[],
  ): Promise<void> {
    const { id } = random.pick(acknowledged);
    const repeats = submission.key !== null && random.percent(20);
    const [cancels, looks] = [random.percent(6), random.percent(15)];
    await sleep(random.between(0, 2_000) * random.next());
    if (repeats) await this.tryOnce(random, submission, path, body);
    if (cancels) this.log.cancellations.push(await this.cancel(random, id));
    if (looks) this.log.sightings.push(...(await this.look(random, id)));
  }

  private async cancel(random: Random, id: string): Promise<Cancellation> {
    const { status } = await this.ask(random, `/api/requests/${id}/cancel`, { method: 'POST' });
    return { id, status };
  }

  private async look(random: Random, id: string): Promise<Sighting[]> {
    const { status, body } = await this.ask(random, `/api/requests/${id}`, {});
    const isFinished = status === 200 && body.status !== 'PENDING' && body.status !== 'PROCESSING';
    return isFinished ? [{ id, status: body.status, result: body.result_payload }] : [];
  }

  private ask(random: Random, path: string, init: RequestInit): Promise<Answer> {
    return ask(random.pick(this.apis) + path, init);
  }
}

/** Most work is short. Some takes long enough for a fault to hit in the middle of it. */
function work(random: Random, marker: string): object {
  if (random.percent(50)) return { num_transactions: random.between(1, 60), report_name: marker };
  return {
    input_data: marker,
    iterations: random.percent(5) ? random.between(100_000, 400_000) : random.between(1, 2_000),
  };
}

function placesOf(body: { requests?: object[] }): Acknowledgement[] {
  const answers = (body.requests ?? [body]) as { request_id: string; lane: string; queue_position: number }[];
  return answers.map(({ request_id: id, lane, queue_position: position }) => ({ id, lane, position }));
}
