import { type CanActivate, Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { KeysNeedAuthentication } from './accounts.errors.js';

/** Refuses the API of keys with `AUTH=open`. */
@Injectable()
export class KeysOverHttp implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'AUTH'>) {}

  canActivate(): boolean {
    if (this.config.AUTH === 'open') throw new KeysNeedAuthentication();
    return true;
  }
}
