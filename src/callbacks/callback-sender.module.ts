import { HttpService } from '@nestjs/axios';
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { CallbackSecretsModule } from './signing/callback-secrets.module.js';
import { CallbackSecretsService } from './signing/callback-secrets.service.js';
import { CallbackSigner } from './signing/callback-signer.js';
import { CallbackUrlModule } from './url-guard/callback-url.module.js';
import { type CallbackHttp, createCallbackHttp } from './transport/http-transport.js';
import { UrlGuard } from './url-guard/url-guard.js';

/** Injection token of the {@link CallbackHttp}. */
const CALLBACK_HTTP = Symbol('CALLBACK_HTTP');

/** The client that dials only checked addresses. */
@Module({
  imports: [CallbackUrlModule],
  providers: [
    {
      provide: CALLBACK_HTTP,
      inject: [UrlGuard, CONFIG],
      useFactory: (guard: UrlGuard, { CALLBACK_TIMEOUT, CALLBACK_PROXY }: Config) =>
        createCallbackHttp({
          guard,
          timeoutMs: CALLBACK_TIMEOUT,
          proxy: CALLBACK_PROXY === undefined ? undefined : new URL(CALLBACK_PROXY),
        }),
    },
  ],
  exports: [CALLBACK_HTTP],
})
class CallbackClientModule implements OnApplicationShutdown {
  constructor(@Inject(CALLBACK_HTTP) private readonly http: CallbackHttp) {}

  async onApplicationShutdown(): Promise<void> {
    await this.http.close();
  }
}

/** What it takes to send a callback: the client that dials only checked addresses, and what signs. */
@Module({
  imports: [CallbackSecretsModule, CallbackClientModule],
  providers: [
    { provide: HttpService, inject: [CALLBACK_HTTP], useFactory: ({ axios }: CallbackHttp) => new HttpService(axios) },
    {
      provide: CallbackSigner,
      inject: [CallbackSecretsService, CONFIG],
      useFactory: (secrets: CallbackSecretsService, { CALLBACK_SIGNATURE }: Config) =>
        new CallbackSigner(() => secrets.prepare().then(() => secrets.valid()), CALLBACK_SIGNATURE),
    },
  ],
  exports: [HttpService, CallbackSigner],
})
export class CallbackSenderModule {}
