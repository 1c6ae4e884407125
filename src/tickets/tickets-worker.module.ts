import { Module } from '@nestjs/common';
import { TicketsSweep } from './tickets.sweep.js';

/** The part of the tickets that runs in workers. */
@Module({ providers: [TicketsSweep] })
export class TicketsWorkerModule {}
