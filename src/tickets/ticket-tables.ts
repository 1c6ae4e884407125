import { Injectable, type OnModuleInit } from '@nestjs/common';
import { TableAnalyzer } from '../platform/database/table-analyzer.js';

/** Has the tables of tickets analyzed when they have grown. */
@Injectable()
export class TicketTables implements OnModuleInit {
  constructor(private readonly analyzer: TableAnalyzer) {}

  onModuleInit(): void {
    this.analyzer.watch('events', 'bookings');
  }
}
