import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { RedeliveriesService } from '../redelivery/redeliveries.service.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';

/** Advances redeliveries and looks for due callbacks in every sweep. */
@Injectable()
export class CallbacksSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly redeliveries: RedeliveriesService,
    private readonly dispatcher: CallbacksDispatcher,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('callback_deliveries', 'callback_logs', 'callback_queues');
    // Redeliveries first: the callbacks that they schedule are due at once.
    this.sweeper.add('work', 'redeliveries', () => this.redeliveries.sweep());
    this.sweeper.add('work', 'callbacks', () => this.dispatcher.sweep());
  }
}
