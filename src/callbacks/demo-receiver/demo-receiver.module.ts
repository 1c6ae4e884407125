import { Module } from '@nestjs/common';
import { DemoReceiverController } from './demo-receiver.controller.js';
import { DemoReceiverService, RANDOM } from './demo-receiver.service.js';

/** The built-in callback receiver. */
@Module({
  controllers: [DemoReceiverController],
  providers: [DemoReceiverService, { provide: RANDOM, useValue: Math.random }],
})
export class DemoReceiverModule {}
