import { Module } from '@nestjs/common';
import { RequestsController } from './requests.controller.js';
import { RequestsModule } from './requests.module.js';

/** The request log over HTTP. Apart from `RequestsModule`, because a worker answers no HTTP. */
@Module({ imports: [RequestsModule], controllers: [RequestsController] })
export class RequestsApiModule {}
