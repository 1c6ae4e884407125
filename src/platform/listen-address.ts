import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from './config/config.js';

/** Where this process listens. The port is that of the settings until the server listens, which matters for `PORT=0`. */
@Injectable()
export class ListenAddress {
  readonly host: string;
  private currentPort: number;

  constructor(@Inject(CONFIG) { HOST, PORT }: Pick<Config, 'HOST' | 'PORT'>) {
    this.host = HOST;
    this.currentPort = PORT;
  }

  get port(): number {
    return this.currentPort;
  }

  /** Records the port that the server listens on. */
  listensOn(port: number): void {
    this.currentPort = port;
  }

  /** `http://host:port`, with the brackets of an IPv6 address. */
  get url(): string {
    return `http://${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.currentPort}`;
  }
}
