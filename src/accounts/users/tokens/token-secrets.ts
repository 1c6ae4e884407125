import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { randomBytes } from 'node:crypto';
import type { Repository } from 'typeorm';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { TokenSecret } from './token-secret.entity.js';

const SECRET_BYTES = 32;

/** The key that signs access tokens: `TOKEN_SECRET`, else the one in the database, which the first process generates. */
@Injectable()
export class TokenSecrets {
  private reading: Promise<Uint8Array> | undefined;

  constructor(
    @InjectRepository(TokenSecret) private readonly secrets: Repository<TokenSecret>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'TOKEN_SECRET'>,
  ) {}

  /** Reads the database once per process, when the first token is signed or checked. */
  key(): Promise<Uint8Array> {
    this.reading ??= this.read().catch((error: unknown) => {
      this.reading = undefined;
      throw error;
    });
    return this.reading;
  }

  private async read(): Promise<Uint8Array> {
    const { TOKEN_SECRET } = this.config;
    return new TextEncoder().encode(TOKEN_SECRET ?? (await this.stored()));
  }

  /** Of processes that start at once, one inserts, and all read the same secret. */
  private async stored(): Promise<string> {
    const found = await this.secrets.findOneBy({ id: 1 });
    if (found) return found.secret;
    const fresh = { id: 1, secret: randomBytes(SECRET_BYTES).toString('base64url') };
    await this.secrets.createQueryBuilder().insert().values(fresh).orIgnore().execute();
    return (await this.secrets.findOneByOrFail({ id: 1 })).secret;
  }
}
