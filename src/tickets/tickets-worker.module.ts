import { Module } from '@nestjs/common';
import { TicketTables } from './ticket-tables.js';

/** The part of the tickets that runs in workers. */
@Module({ providers: [TicketTables] })
export class TicketsWorkerModule {}
