import { HttpService } from '@nestjs/axios';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { CallbackSecretsModule } from './signing/callback-secrets.module.js';
import { CallbackSecretsService } from './signing/callback-secrets.service.js';
import { CallbackSigner } from './signing/callback-signer.js';
import { NameLookup } from './name-lookup/name-lookup.js';
import { CallbackClient } from './transport/callback-client.js';
import { MAX_CONCURRENCY_PER_DESTINATION } from './transport/concurrency-limiter.js';
import { CallbackUrlModule } from './url-guard/callback-url.module.js';
import { UrlGuard } from './url-guard/url-guard.js';

/** The client that dials only checked addresses. */
@Module({
  imports: [CallbackUrlModule],
  providers: [
    {
      provide: CallbackClient,
      inject: [UrlGuard, CONFIG],
      useFactory: (guard: UrlGuard, { AUTH, CALLBACK_TIMEOUT, CALLBACK_PROXY, CALLBACK_DNS_SERVERS }: Config) =>
        new CallbackClient({
          guard,
          timeoutMs: CALLBACK_TIMEOUT,
          connectionsPerDestination: AUTH === 'required' ? MAX_CONCURRENCY_PER_DESTINATION : undefined,
          resolve: new NameLookup({ servers: CALLBACK_DNS_SERVERS }).resolve,
          proxy: CALLBACK_PROXY === undefined ? undefined : new URL(CALLBACK_PROXY),
        }),
    },
  ],
  exports: [CallbackClient],
})
class CallbackClientModule implements OnApplicationShutdown {
  constructor(private readonly client: CallbackClient) {}

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}

/** Sends signed callbacks: the HttpService that goes through the {@link CallbackClient}, and the signer. */
@Module({
  imports: [CallbackSecretsModule, CallbackClientModule],
  providers: [
    {
      provide: HttpService,
      inject: [CallbackClient],
      useFactory: (client: CallbackClient) => new HttpService(client.createAxios()),
    },
    {
      provide: CallbackSigner,
      inject: [CallbackSecretsService, CONFIG],
      useFactory: (secrets: CallbackSecretsService, { CALLBACK_SIGNATURE }: Config) =>
        new CallbackSigner((accountIds) => secrets.signing(accountIds), CALLBACK_SIGNATURE),
    },
  ],
  exports: [HttpService, CallbackSigner],
})
export class CallbackSenderModule {}
