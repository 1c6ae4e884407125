import { Module } from '@nestjs/common';
import { RequestsModule } from '../requests/requests.module.js';
import { ScheduleRepository } from './schedule.repository.js';
import { SchedulesController } from './schedules.controller.js';
import { SchedulesModule } from './schedules.module.js';
import { SchedulesService } from './schedules.service.js';

/** Schedules over HTTP. */
@Module({
  imports: [SchedulesModule, RequestsModule],
  controllers: [SchedulesController],
  providers: [ScheduleRepository, SchedulesService],
})
export class SchedulesApiModule {}
