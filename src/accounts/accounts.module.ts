import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Account } from './account.entity.js';
import { AccountNames } from './account-names.js';
import { ApiKey } from './api-key.entity.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeyRepository } from './api-key.repository.js';
import { Authenticator } from './authenticator.js';

/** Accounts and their keys. The API is in `AccountsApiModule`. */
@Module({
  imports: [TypeOrmModule.forFeature([ApiKey, Account])],
  providers: [
    AccountNames,
    ApiKeyRepository,
    ApiKeysService,
    {
      provide: Authenticator,
      inject: [ApiKeyRepository],
      useFactory: (keys: ApiKeyRepository) => new Authenticator(keys),
    },
  ],
  exports: [AccountNames, ApiKeysService, Authenticator],
})
export class AccountsModule {}
