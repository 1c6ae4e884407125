import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { NIL } from 'uuid';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { WakeTimer } from '../../platform/concurrency/wake-timer.js';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { type Task, WorkerLoop } from '../../platform/concurrency/worker-loop.js';
import { PauseWatch } from '../../queue/pauses/pause-watch.js';
import { FanOutStore, type StartedFanOut } from '../fan-outs/fan-out.store.js';
import type { ClaimedMail } from './claimed-mail.js';
import { MailBuffer } from './mail-buffer.js';
import { MailLeasesStore, type QueueHead } from './mail-leases.store.js';
import { MAX_IN_FLIGHT, MailSender } from './mail-sender.js';

/** Leases are renewed while messages wait or are sent. After a crash they expire. */
const LEASE_MS = 30_000;
/** Most queues of one claim. If there are more, the next claim begins after the last of them. */
const MAX_QUEUES = 256;
/** Time for which attempts in progress may go on when the process stops. */
const GRACE_MS = 5_000;
/** Pause before a failed fan-out is expanded again. */
const FAN_OUT_RETRY_MS = 10_000;
/** Messages that one statement marks as kept. */
const KEEP_BATCH = 1_000;

/** Outdated messages that one statement deletes. */
const DROP_BATCH = 5_000;
/** The longest wait for outdated messages that are being sent. One that stalls longer is not tried again. */
const MAX_DROP_MS = 2_000;
const DROP_POLL_MS = 50;

/**
 * Sends due messages and expands due fan-outs. Each message is tried, recorded and scheduled by itself. A claim takes the same
 * share of each queue, so messages of one account do not wait for the fan-out of another.
 */
@Injectable()
export class MailDispatcher {
  private readonly logger = new Logger(MailDispatcher.name);
  /** For messages and fan-outs that are not due yet. */
  private readonly timer = new WakeTimer(() => void this.run());
  private readonly buffer = new MailBuffer((limit) => this.lease(limit));
  private readonly sending: WorkerLoop;
  private readonly expanding: WorkerLoop;
  private readonly keeper: LeaseKeeper<ClaimedMail>;
  private fromQueue: string = NIL;
  private isStopping = false;
  /** Messages that were leased ahead when mail was paused. Those that cannot be given back are due when their leases end. */
  private readonly givenBack = new Batcher<string, void>(async (ids) => {
    await this.leases.release(ids);
    return ids.map(() => undefined);
  });
  /** Messages that waited for a connection when the process began to stop. */
  private readonly untried: ClaimedMail[] = [];

  constructor(
    private readonly leases: MailLeasesStore,
    private readonly fanOuts: FanOutStore,
    private readonly sender: MailSender,
    private readonly pauses: PauseWatch,
  ) {
    const warn = (message: string) => (error: unknown) => this.logger.warn(`${message}: ${String(error)}`);
    this.sending = new WorkerLoop(MAX_IN_FLIGHT, (free) => this.claim(free), warn('Due messages were not claimed'));
    this.expanding = new WorkerLoop(1, () => this.claimFanOut(), warn('Due fan-outs were not claimed'));
    this.keeper = new LeaseKeeper(LEASE_MS, async (mails) => {
      const renewed = await this.leases.renew(
        mails.map(({ id }) => id),
        LEASE_MS,
      );
      return mails.filter(({ id }) => renewed.has(id));
    });
  }

  /** Sends due messages and expands due fan-outs; resolves when nothing more can be claimed. */
  async run(): Promise<void> {
    this.buffer.wake();
    await Promise.all([this.sending.run(), this.expanding.run()]);
  }

  /** Recovers the leases of workers of this host that have exited, and looks for work whose wake-up was lost. */
  async sweep(): Promise<void> {
    const exited = (await this.leases.workersOnThisHost()).filter((workerId) => hasExited(workerId));
    if (exited.length > 0) await this.leases.expire(exited);
    void this.run();
  }

  /** Sends no further message. Resolves when the messages in flight are recorded or, after a grace period, released. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.timer.stop();
    const buffered = this.buffer.end();
    const abort = setTimeout(() => this.sender.abort(), GRACE_MS);
    await Promise.all([this.sending.stop(), this.expanding.stop()]);
    clearTimeout(abort);
    const untried = [...this.untried, ...(await buffered)];
    for (const mail of untried) this.keeper.remove(mail);
    await this.leases.release(untried.map(({ id }) => id)).catch(() => undefined);
  }

  private async claim(free: number): Promise<Task[]> {
    const mayClaim = await this.pauses.mayClaim('mail');
    if (!this.sender.hasServer) return mayClaim ? this.keepAll() : [];
    const mails = await this.buffer.take(free);
    return mails.map((mail) => () => this.send(mail));
  }

  private async send(mail: ClaimedMail): Promise<void> {
    try {
      const ended = await this.sender.send(mail, () => this.maySend(mail));
      if (!ended && this.isStopping) this.untried.push(mail);
      else if (!ended && this.keeper.isSafe(mail)) await this.givenBack.submit(mail.id).catch(() => undefined);
      // No claim has read when it is due again.
      if (ended && ended.retryInMs !== null) this.timer.setIn(ended.retryInMs);
    } catch (error) {
      this.logger.warn(`An attempt of message ${mail.id} was not recorded: ${String(error)}`);
    } finally {
      this.keeper.remove(mail);
    }
  }

  private maySend(mail: ClaimedMail): boolean {
    return !this.isStopping && !this.pauses.isPaused('mail') && this.keeper.isSafe(mail);
  }

  private async lease(limit: number): Promise<ClaimedMail[]> {
    if (this.pauses.isPaused('mail')) return [];
    const heads = await this.leases.heads(this.fromQueue, MAX_QUEUES);
    this.fromQueue = heads.length === MAX_QUEUES ? heads.at(-1)!.queue : NIL;
    const due = heads.filter(({ dueInMs }) => dueInMs <= 0);
    this.announce(heads);
    if (due.length === 0) return [];
    const leasedAtMs = performance.now();
    const share = Math.max(1, Math.floor(limit / due.length));
    const mails = await this.leases.claim(
      due.map(({ queue }) => queue),
      share,
      LEASE_MS,
    );
    for (const mail of mails) this.keeper.add(mail, leasedAtMs);
    return mails;
  }

  private announce(heads: QueueHead[]): void {
    for (const { dueInMs } of heads) if (dueInMs > 0) this.timer.setIn(dueInMs);
  }

  private async keepAll(): Promise<Task[]> {
    while ((await this.leases.keep(KEEP_BATCH)) === KEEP_BATCH);
    return [];
  }

  private async claimFanOut(): Promise<Task[]> {
    if (!(await this.pauses.mayClaim('mail'))) return [];
    const started = await this.fanOuts.start();
    if (started) return [() => this.expand(started)];
    const dueInMs = await this.fanOuts.nextDueInMs();
    if (dueInMs !== null) this.timer.setIn(dueInMs);
    return [];
  }

  private async expand(fanOut: StartedFanOut): Promise<void> {
    try {
      if (fanOut.template === 'event-cancelled') await this.dropChanges(fanOut);
      while (await this.fanOuts.expandPart(fanOut)) this.wakeSending();
      this.wakeSending();
    } catch (error) {
      this.logger.warn(`The fan-out ${fanOut.id} was not expanded: ${String(error)}`);
      await this.fanOuts.postpone(fanOut, FAN_OUT_RETRY_MS).catch(() => undefined);
    }
  }

  /** After the message that an event is cancelled, none about its changes follows. Those that are being sent come first. */
  private async dropChanges(fanOut: StartedFanOut): Promise<void> {
    const untilMs = performance.now() + MAX_DROP_MS;
    for (;;) {
      const { dropped, isSending } = await this.fanOuts.dropChanges(fanOut, DROP_BATCH);
      if (dropped > 0) continue;
      if (!isSending || this.isStopping || performance.now() > untilMs) return;
      await sleep(DROP_POLL_MS);
    }
  }

  private wakeSending(): void {
    this.buffer.wake();
    void this.sending.run();
  }
}
