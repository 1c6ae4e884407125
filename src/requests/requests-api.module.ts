import { Module } from '@nestjs/common';
import { RequestsController } from './requests.controller.js';
import { RequestsModule } from './requests.module.js';

/** The request log over HTTP. Separate from `RequestsModule`, because a worker has no API. */
@Module({ imports: [RequestsModule], controllers: [RequestsController] })
export class RequestsApiModule {}
