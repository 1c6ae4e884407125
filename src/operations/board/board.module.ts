import { Module } from '@nestjs/common';
import { CallbacksApiModule } from '../../callbacks/callbacks-api.module.js';
import { MailApiModule } from '../../mail/mail-api.module.js';
import { RequestsApiModule } from '../../requests/requests-api.module.js';
import { BoardApiController } from './board-api.controller.js';
import { BoardController } from './board.controller.js';
import { BoardService } from './board.service.js';
import { SignInController } from './sign-in.controller.js';

/** The queue board, for operators. */
@Module({
  imports: [RequestsApiModule, CallbacksApiModule, MailApiModule],
  // In the order of their routes: the refusals of the API come last.
  controllers: [SignInController, BoardController, BoardApiController],
  providers: [BoardService],
})
export class BoardModule {}
