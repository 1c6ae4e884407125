import { Module } from '@nestjs/common';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeysStore } from './api-keys.store.js';
import { Authenticator } from './authenticator.js';

/** Accounts and their keys; what answers HTTP is `AccountsApiModule`. */
@Module({
  providers: [
    ApiKeysStore,
    ApiKeysService,
    { provide: Authenticator, inject: [ApiKeysStore], useFactory: (store: ApiKeysStore) => new Authenticator(store) },
  ],
  exports: [ApiKeysService, Authenticator],
})
export class AccountsModule {}
