import { Module } from '@nestjs/common';
import { SessionController } from './sessions/session.controller.js';
import { UsersController } from './users.controller.js';
import { UsersModule } from './users.module.js';

/** Users and sessions over HTTP. */
@Module({ imports: [UsersModule], controllers: [UsersController, SessionController] })
export class UsersApiModule {}
