import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ActionsController } from './actions/actions.controller.js';
import { ActionsService } from './actions/actions.service.js';
import { RequestsController } from './requests.controller.js';
import { RequestsModule } from './requests.module.js';

/** The request log and the action log over HTTP. Separate from `RequestsModule`, because a worker has no API. */
@Module({
  imports: [RequestsModule, AccountsModule],
  controllers: [RequestsController, ActionsController],
  providers: [ActionsService],
})
export class RequestsApiModule {}
