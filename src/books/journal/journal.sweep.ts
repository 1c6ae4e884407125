import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { BalancesService } from './balances/balances.service.js';

/** Adds the folding of totals to every sweep, and the journal's tables to those that are analyzed. */
@Injectable()
export class JournalSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly balances: BalancesService,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('journal_entries', 'journal_lines');
    this.analyzer.watch('journal_block_totals', 'journal_day_totals', 'journal_hour_totals');
    this.sweeper.add('work', 'totals of the journal', () => this.balances.sweep());
  }
}
