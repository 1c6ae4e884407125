import { Module } from '@nestjs/common';
import { AccountsModule } from './accounts.module.js';
import { ApiKeysController } from './api-keys.controller.js';

/** API keys over HTTP. */
@Module({ imports: [AccountsModule], controllers: [ApiKeysController] })
export class AccountsApiModule {}
