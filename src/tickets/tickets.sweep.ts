import { Injectable, type OnModuleInit } from '@nestjs/common';
import { TableAnalyzer } from '../platform/database/table-analyzer.js';

/** Adds the tables of events to those that are analyzed when they have grown. */
@Injectable()
export class TicketsSweep implements OnModuleInit {
  constructor(private readonly analyzer: TableAnalyzer) {}

  onModuleInit(): void {
    this.analyzer.watch('events', 'bookings');
  }
}
