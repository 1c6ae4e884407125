import { Module } from '@nestjs/common';
import { DueSchedules } from './due/due-schedules.js';
import { SchedulesSweep } from './due/schedules.sweep.js';
import { SchedulesModule } from './schedules.module.js';

/** The part of the schedules that runs in workers. */
@Module({ imports: [SchedulesModule], providers: [DueSchedules, SchedulesSweep], exports: [DueSchedules] })
export class SchedulesWorkerModule {}
