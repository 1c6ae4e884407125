import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { BodyCut, type BodyStream } from '../../http/streams/body-stream.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { pageOf } from '../../platform/database/page.js';
import { isOutage } from '../../platform/database/outages.js';
import { newId } from '../../platform/ids.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { csvText } from '../../reports/formats/csv.js';
import { BatchesService, MAX_ERRORS, type RunningImport } from './batches.service.js';
import { CsvOrders } from './file/csv-orders.js';
import { ImportLimiter } from './import-limiter.js';
import type { ImportedOrder } from './file/import-row.js';
import { ImportInterrupted, ImportNotFound } from './imports.errors.js';
import { type ImportRow, ImportsStore } from './imports.store.js';
import { NdjsonOrders } from './file/ndjson-orders.js';
import { OrderBatches } from './order-batches.js';
import type { OrderParser } from './file/order-parser.js';

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';
const PARSERS = new Map<string, () => OrderParser>([
  [CSV, () => new CsvOrders()],
  [NDJSON, () => new NdjsonOrders()],
]);

/** Much less than the age at which a heartbeat is stale. */
const HEARTBEAT_MS = 5_000;
const ERRORS_PAGE = 1_000;

/** Imports orders from files. Every method throws ImportNotFound for an import that the account does not have. */
@Injectable()
export class ImportsService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ImportsService.name);
  private readonly limiter = new ImportLimiter();
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<unknown>>();

  constructor(
    private readonly imports: ImportsStore,
    private readonly batches: BatchesService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'IMPORT_IDLE_TIMEOUT'>,
  ) {}

  /** Imports in progress end after their batch, since a file may take hours. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.running);
  }

  /**
   * Imports the orders of a file while it arrives. The body is read as fast as its orders are stored.
   * @throws ImportsBusy, ImportInterrupted, InvalidInput for a CSV file with another header
   */
  async run(account: AccountId, body: BodyStream): Promise<object> {
    const leave = this.limiter.enter(storedAccount(account));
    const work = this.importFile(storedAccount(account), body);
    this.running.add(work);
    try {
      return await work;
    } finally {
      this.running.delete(work);
      leave();
    }
  }

  async list(account: AccountId, beforeId: string | undefined, limit: number): Promise<object> {
    const { page, next_cursor } = await pageOf(
      limit,
      (count) => this.imports.list(storedAccount(account), beforeId, count),
      ({ id }) => id,
    );
    return { imports: page.map(importView), next_cursor };
  }

  async view(account: AccountId, id: string): Promise<object> {
    return importView(await this.find(account, id));
  }

  /** @returns The chunks of a CSV file with the errors of an import. */
  async errorFile(account: AccountId, id: string): Promise<AsyncIterable<string>> {
    await this.find(account, id);
    return this.errorChunks(id);
  }

  private async find(account: AccountId, id: string): Promise<ImportRow> {
    const row = isUuid(id) ? await this.imports.find(storedAccount(account), id) : null;
    if (!row) throw new ImportNotFound();
    return row;
  }

  private async *errorChunks(id: string): AsyncGenerator<string> {
    yield 'row,external_ref,field,message\r\n';
    for (let after = 0; ;) {
      const page = await this.imports.errors(id, after, ERRORS_PAGE);
      yield page
        .map(({ row, externalRef, field, message }) => {
          return `${[String(row), ...[externalRef ?? '', field, message].map(csvText)].join(',')}\r\n`;
        })
        .join('');
      after = page.at(-1)?.ordinal ?? after;
      if (after === MAX_ERRORS) yield `,,,${csvText(`Only the first ${MAX_ERRORS} errors are kept`)}\r\n`;
      if (page.length < ERRORS_PAGE || after === MAX_ERRORS) return;
    }
  }

  private async importFile(account: string, body: BodyStream): Promise<object> {
    const orders = this.ordersOf(body);
    // Refuses a file without the right header, before there is an import.
    const first = await orders.next();
    const running: RunningImport = {
      id: newId(),
      account,
      errors: 0,
      counts: { rows: 0, created: 0, duplicates: 0, failed: 0 },
    };
    await this.imports.start(account, running.id);
    const heartbeat = setInterval(() => void this.beat(running.id), HEARTBEAT_MS);
    try {
      await this.importOrders(running, first.done ? [] : first.value, orders);
      await this.imports.finish(running.id, 'completed');
    } catch (error) {
      const isInterrupted = error instanceof ImportInterrupted || isOutage(error);
      await this.imports.finish(running.id, isInterrupted ? 'interrupted' : 'failed').catch(() => undefined);
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
    return { id: running.id, ...running.counts, errors_url: errorsUrl(running.id) };
  }

  private async importOrders(
    running: RunningImport,
    first: ImportedOrder[],
    others: AsyncIterable<ImportedOrder[]>,
  ): Promise<void> {
    const batches = new OrderBatches();
    for (const batch of batches.add(first)) await this.batches.write(running, batch);
    for await (const parsed of others) {
      for (const batch of batches.add(parsed)) await this.batches.write(running, batch);
    }
    await this.batches.write(running, batches.rest());
  }

  /** Yields the orders of a file, from its header on. */
  private async *ordersOf(body: BodyStream): AsyncGenerator<ImportedOrder[]> {
    const parser = PARSERS.get(body.mediaType)!();
    try {
      for await (const chunk of body.chunks(this.config.IMPORT_IDLE_TIMEOUT, this.stopping.signal)) {
        const orders = parser.push(chunk);
        if (parser.isStarted) yield orders;
      }
    } catch (error) {
      throw error instanceof BodyCut ? new ImportInterrupted(error.reason) : error;
    }
    yield parser.end();
  }

  private async beat(id: string): Promise<void> {
    await this.imports.heartbeat(id).catch((error: Error) => {
      this.logger.warn(`The heartbeat of import ${id} failed: ${error.message}`);
    });
  }
}

const errorsUrl = (id: string): string => `/api/orders/imports/${id}/errors`;

/** Returns an import as the API shows it. */
function importView({ id, status, rows, created, duplicates, failed, createdAt, finishedAt }: ImportRow): object {
  const counts = { rows, created, duplicates, failed };
  return { id, status, ...counts, errors_url: errorsUrl(id), created_at: createdAt, finished_at: finishedAt };
}
