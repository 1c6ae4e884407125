import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { OpenedReceivers } from './opened-receivers.js';
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
      inject: [CONFIG, OpenedReceivers],
      useFactory: (config: Config, openedReceivers: OpenedReceivers) =>
        new UrlGuard({
          allow: config.CALLBACK_ALLOW,
          demoReceiver: config.DEMO_RECEIVER ? portOf(config) : undefined,
          openedReceivers,
        }),
    },
  ],
  exports: [UrlGuard],
})
export class CallbackUrlModule {}
