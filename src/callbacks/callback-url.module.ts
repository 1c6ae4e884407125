import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config.js';
import { UrlGuard } from './url-guard.js';

/** `PORT=0` takes a free port, which the settings hold only once it is listened on. */
function portOf(config: Config): { readonly port: number } {
  return {
    get port() {
      return config.PORT;
    },
  };
}

/** The guard of callback URLs: the same at accept and at the dial. */
@Module({
  providers: [
    {
      provide: UrlGuard,
      inject: [CONFIG],
      useFactory: (config: Config) =>
        new UrlGuard({ allow: config.CALLBACK_ALLOW, demoReceiver: config.DEMO_RECEIVER ? portOf(config) : undefined }),
    },
  ],
  exports: [UrlGuard],
})
export class CallbackUrlModule {}
