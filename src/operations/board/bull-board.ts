import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import type {
  AppControllerRoute,
  BullBoardQueues,
  ControllerHandlerReturnType,
  IServerAdapter,
  UIConfig,
} from '@bull-board/api/dist/types.js';
import type { QueueJobs } from '../../queue/jobs/queue-jobs.js';
import type { QueueName } from '../../queue/pauses/queue-name.js';
import type { QueuePauses } from '../../queue/pauses/queue-pauses.service.js';
import { boardPage } from './board-page.js';
import { PostgresAdapter } from './postgres-adapter.js';

/** What a route of the board is called with. */
export interface BoardCall {
  params?: Record<string, string>;
  query?: Record<string, string | undefined>;
}

const DESCRIPTIONS: Record<QueueName, string> = {
  reports: 'Requests for reports. Those of a lane run in order; a failed one is final',
  callbacks: 'Deliveries of callbacks. A retry is a redelivery',
  mail: 'Messages. Those that were kept, because there was no mail server, show as failed',
};

const UI: UIConfig = {
  boardTitle: 'Daybook queues',
  hideDocsLink: true,
  hideRedisDetails: true,
  showWorkers: false,
  showMetrics: false,
};

/**
 * Bull Board over Postgres. This module loads the library, so it is imported at the first request of the board. The routes of
 * the library are called by controllers, so that guards, limits and the action log cover them like any other route.
 */
export class BullBoard {
  /** The page, which is the same for every path of the board. */
  readonly page: string;
  /** The folder of the page's scripts, styles and texts. */
  readonly staticFolder: string;
  private readonly routes = new Map<string, AppControllerRoute>();
  private readonly queues: BullBoardQueues;
  private readonly ui: UIConfig;

  constructor(jobs: readonly QueueJobs[], pauses: QueuePauses) {
    const server = new CapturingServer();
    const queues = jobs.map((one) => new PostgresAdapter(one, pauses, DESCRIPTIONS[one.queue]));
    createBullBoard({ queues, serverAdapter: server, options: { uiConfig: UI } });
    this.queues = server.queues;
    this.ui = server.ui;
    for (const route of server.routes)
      for (const method of [route.method].flat())
        for (const path of [route.route].flat()) this.routes.set(`${method} ${path}`, route);
    this.staticFolder = join(server.viewsFolder, 'static');
    this.page = boardPage(readFileSync(join(server.viewsFolder, 'index.ejs'), 'utf8'), this.ui);
  }

  /** Calls a route of the library, such as `get /api/queues`. */
  async call(route: string, { params = {}, query = {} }: BoardCall): Promise<ControllerHandlerReturnType> {
    const { queues, ui: uiConfig } = this;
    return this.routes.get(route)!.handler({ queues, uiConfig, params, query, body: {}, headers: {} });
  }
}

/** Takes what the library would give to an HTTP server. */
class CapturingServer implements IServerAdapter {
  routes: AppControllerRoute[] = [];
  queues: BullBoardQueues = new Map();
  ui: UIConfig = {};
  viewsFolder = '';

  setQueues(queues: BullBoardQueues): this {
    this.queues = queues;
    return this;
  }

  setViewsPath(folder: string): this {
    this.viewsFolder = folder;
    return this;
  }

  setApiRoutes(routes: AppControllerRoute[]): this {
    this.routes = routes;
    return this;
  }

  setUIConfig(ui: UIConfig): this {
    this.ui = ui;
    return this;
  }

  setStaticPath(): this {
    return this;
  }

  setEntryRoute(): this {
    return this;
  }

  setErrorHandler(): this {
    return this;
  }
}
