import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { withinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { DestinationRepository } from '../destinations/destination.repository.js';
import { RedeliveriesService } from '../redelivery/redeliveries.service.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';

const BATCH = 1_000;
const BUDGET_MS = 500;

/** Rows that are deleted by age. */
type Expiring = Pick<DestinationRepository, 'removeExpired'>;

/** Advances redeliveries, looks for due callbacks, and deletes old redeliveries and disabled URLs in every sweep. */
@Injectable()
export class CallbacksSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly redeliveries: RedeliveriesService,
    private readonly destinations: DestinationRepository,
    private readonly dispatcher: CallbacksDispatcher,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('callback_deliveries', 'callback_logs', 'callback_queues');
    // Redeliveries first: the callbacks that they schedule are due at once.
    this.sweeper.add('work', 'redeliveries', () => this.redeliveries.sweep());
    this.sweeper.add('work', 'callbacks', () => this.dispatcher.sweep());
    this.sweeper.add('expire', 'old redeliveries', () => this.removeSome(this.redeliveries));
    this.sweeper.add('expire', 'old disabled URLs', () => this.removeSome(this.destinations));
  }

  private async removeSome(expiring: Expiring): Promise<void> {
    const { RETENTION } = this.config;
    if (RETENTION === null) return;
    await withinTimeBudget(BUDGET_MS, async () => (await expiring.removeExpired(RETENTION, BATCH)) === BATCH);
  }
}
