import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ListenAddress } from '../../platform/listen-address.js';
import { OpenedReceivers } from './opened-receivers.js';
import { UrlGuard } from './url-guard.js';

/** The guard of callback URLs, for accepting them and for dialling them. */
@Module({
  providers: [
    {
      provide: UrlGuard,
      inject: [CONFIG, ListenAddress, OpenedReceivers],
      useFactory: (config: Config, listenAddress: ListenAddress, openedReceivers: OpenedReceivers) =>
        new UrlGuard({
          allow: config.CALLBACK_ALLOW,
          deny: config.CALLBACK_DENY,
          demoReceiver: config.DEMO_RECEIVER ? listenAddress : undefined,
          openedReceivers,
        }),
    },
  ],
  exports: [UrlGuard],
})
export class CallbackUrlModule {}
