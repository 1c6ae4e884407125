import { Injectable } from '@nestjs/common';
import { SignJWT, errors, jwtVerify } from 'jose';
import { TokenSecrets } from './token-secrets.js';

export const ACCESS_TOKEN_LIFE_S = 900;
const ISSUER = 'daybook';
/** RFC 9068, section 2.1. */
const TYPE = 'at+jwt';
const ALGORITHM = 'HS256';
/** Daybook's tokens are shorter. */
const MAX_LENGTH = 1_024;
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The user and the session that an access token names. */
export interface TokenClaims {
  userId: string;
  sessionId: string;
}

/** Why an access token is refused. */
export type TokenRefusal = 'invalid' | 'expired';

/** Whether a bearer token has the form of an access token (a JWT), and not that of an API key. */
export const isAccessToken = (text: string): boolean => text.length <= MAX_LENGTH && FORM.test(text);

/** Signs and checks access tokens: JWTs (RFC 9068) that are valid for 15 minutes, at most as long as their session. */
@Injectable()
export class AccessTokens {
  constructor(private readonly secrets: TokenSecrets) {}

  async sign({ userId, sessionId }: TokenClaims): Promise<string> {
    return new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setIssuer(ISSUER)
      .setSubject(userId)
      .setIssuedAt()
      .setExpirationTime(`${ACCESS_TOKEN_LIFE_S} s`)
      .sign(await this.secrets.key());
  }

  /** @throws DatabaseUnavailable when the secret cannot be read. */
  async check(token: string): Promise<TokenClaims | TokenRefusal> {
    const key = await this.secrets.key();
    try {
      const { payload } = await jwtVerify(token, key, { issuer: ISSUER, typ: TYPE, algorithms: [ALGORITHM] });
      const { sub, sid, exp } = payload;
      return sub === undefined || typeof sid !== 'string' || exp === undefined
        ? 'invalid'
        : { userId: sub, sessionId: sid };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'expired';
      if (error instanceof errors.JOSEError) return 'invalid';
      throw error;
    }
  }
}
