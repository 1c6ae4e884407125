import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountsModule } from '../accounts.module.js';
import { CallerFactory } from './caller-factory.js';
import { PasswordResetRepository } from './password-reset.repository.js';
import { PasswordResetsService } from './password-resets.service.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { RefreshTokenRepository } from './sessions/refresh-token.repository.js';
import { SessionAuthenticator } from './sessions/session-authenticator.js';
import { Session } from './sessions/session.entity.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionsService } from './sessions/sessions.service.js';
import { SessionsSweep } from './sessions/sessions.sweep.js';
import { SignIn } from './sessions/sign-in.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { TokenSecret } from './tokens/token-secret.entity.js';
import { TokenSecrets } from './tokens/token-secrets.js';
import { User } from './user.entity.js';
import { UserRepository } from './user.repository.js';
import { UsersService } from './users.service.js';

/** Users, their sessions and tokens. The API is in `UsersApiModule`. */
@Module({
  imports: [AccountsModule, TypeOrmModule.forFeature([User, Session, TokenSecret])],
  providers: [
    AccessTokens,
    CallerFactory,
    PasswordHasher,
    PasswordResetRepository,
    PasswordResetsService,
    RefreshTokenRepository,
    SessionAuthenticator,
    SessionRepository,
    SessionsService,
    SessionsSweep,
    SignIn,
    TokenSecrets,
    UserRepository,
    UsersService,
  ],
  exports: [CallerFactory, PasswordResetsService, SessionAuthenticator, SessionsService, SignIn, UsersService],
})
export class UsersModule {}
