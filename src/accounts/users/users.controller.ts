import { Body, Controller, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import type { Request } from 'express';
import { Action } from '../../http/action.decorators.js';
import { CurrentUser, NeedsUser, Public } from '../../http/auth.decorators.js';
import { Caller, type SignedInUser, setCaller } from '../../http/caller.js';
import { CountedField, RateLimited } from '../../http/rate-limit.decorators.js';
import { CallerFactory } from './caller-factory.js';
import { PasswordResetsService } from './password-resets.service.js';
import { SessionsService } from './sessions/sessions.service.js';
import { ACCESS_TOKEN_LIFE_S } from './tokens/access-tokens.js';
import { NotLoggedIn } from './users.errors.js';
import {
  type ConfirmResetBody,
  type LoginBody,
  type LogoutBody,
  type PasswordBody,
  type RefreshBody,
  type RegisterBody,
  type ResetBody,
  confirmResetBody,
  confirmResetView,
  loginBody,
  loginView,
  logoutBody,
  logoutView,
  meView,
  passwordBody,
  passwordView,
  refreshBody,
  registerBody,
  resetBody,
  resetView,
} from './users.schema.js';
import { type Login, UsersService } from './users.service.js';

/** The same for a known and an unknown address. */
const RESET_MESSAGE =
  'If a user has this address, a mail with a token is on its way. The token is valid for 30 minutes.';

@ApiTags('users')
@Controller('api/auth')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly resets: PasswordResetsService,
    private readonly sessions: SessionsService,
    private readonly callers: CallerFactory,
  ) {}

  @Post('register')
  @Public()
  @Action('user.register', ['role'])
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Register a user and log in. An organizer gets an account with books of its own' })
  @ApiCreatedResponse({ standardSchema: loginView })
  @ApiForbiddenResponse({ description: '`REGISTRATION` does not admit the role' })
  @ApiConflictResponse({ description: 'Another user has this email address' })
  async register(@Body({ schema: registerBody }) wanted: RegisterBody, @Req() request: Request): Promise<object> {
    return this.answer(request, await this.users.register(wanted));
  }

  @Post('login')
  @Public()
  @Action('user.login')
  @RateLimited('login')
  @CountedField('email')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Log in: start a session with an access token and a refresh token' })
  @ApiOkResponse({ standardSchema: loginView })
  @ApiUnauthorizedResponse({ description: 'The address or the password is wrong' })
  async login(@Body({ schema: loginBody }) { email, password }: LoginBody, @Req() request: Request): Promise<object> {
    return this.answer(request, await this.users.login(email, password));
  }

  @Post('refresh')
  @Public()
  @Action('session.refresh')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Exchange a refresh token for a new access token and a new refresh token',
    description: 'A refresh token is valid once. Using it again ends its session, because it may have been stolen.',
  })
  @ApiOkResponse({ standardSchema: loginView })
  @ApiUnauthorizedResponse({ description: 'The refresh token is unknown, expired or used, or its session has ended' })
  async refresh(
    @Body({ schema: refreshBody }) { refresh_token }: RefreshBody,
    @Req() request: Request,
  ): Promise<object> {
    return this.answer(request, await this.users.refresh(refresh_token));
  }

  @Post('logout')
  @Public()
  @Action('user.logout')
  @HttpCode(200)
  @ApiOperation({
    summary: 'End the session of the access token, of the cookie, or of the refresh token in the body',
    description: 'Every process refuses its tokens within 5 s.',
  })
  @ApiBody({ required: false })
  @ApiOkResponse({ standardSchema: logoutView })
  @ApiUnauthorizedResponse({ description: 'Nothing names a session' })
  async logout(
    @Body({ schema: logoutBody }) body: LogoutBody,
    @Caller('sessionId') current: string | undefined,
  ): Promise<object> {
    const given = body?.refresh_token;
    const sessionId = given === undefined ? current : await this.sessions.ofRefreshToken(given);
    if (!sessionId) throw new NotLoggedIn();
    await this.sessions.end(sessionId);
    return { logged_out: true };
  }

  @Get('me')
  @NeedsUser()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the signed-in user' })
  @ApiOkResponse({ standardSchema: meView })
  me(@CurrentUser() user: SignedInUser, @Caller('scopes') scopes: Caller['scopes']): object {
    return { ...userOf(user), scopes: scopes ?? null };
  }

  @Post('password')
  @NeedsUser()
  @Action('user.change_password')
  @RateLimited('login')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change the password, and end all other sessions of the user' })
  @ApiOkResponse({ standardSchema: passwordView })
  @ApiForbiddenResponse({ description: 'The current password is wrong' })
  async changePassword(
    @Body({ schema: passwordBody }) { current, new: next }: PasswordBody,
    @CurrentUser() user: SignedInUser,
    @Caller('sessionId') sessionId: string,
  ): Promise<object> {
    return { changed: true, ended_sessions: await this.users.changePassword(user.id, sessionId, current, next) };
  }

  @Post('reset')
  @Public()
  @Action('user.request_reset')
  @RateLimited('reset')
  @CountedField('email')
  @HttpCode(200)
  @ApiOperation({ summary: 'Request a mail with a token that resets the password' })
  @ApiOkResponse({ standardSchema: resetView, description: 'The same for an unknown address' })
  async requestReset(@Body({ schema: resetBody }) { email }: ResetBody): Promise<object> {
    await this.resets.request(email);
    return { message: RESET_MESSAGE };
  }

  @Post('reset/confirm')
  @Public()
  @Action('user.reset_password')
  @RateLimited('reset')
  @HttpCode(200)
  @ApiOperation({ summary: 'Set a new password by the token of the mail, and end all sessions of the user' })
  @ApiOkResponse({ standardSchema: confirmResetView })
  async confirmReset(@Body({ schema: confirmResetBody }) { token, new: next }: ConfirmResetBody): Promise<object> {
    return { changed: true, id: await this.resets.confirm(token, next) };
  }

  private answer(request: Request, { user, tokens }: Login): object {
    const { sessionId, token, refreshToken } = tokens;
    // The action log names the user who has just logged in.
    const session = { sessionId, user: userOf(user), accountId: user.accountId };
    setCaller(request, this.callers.ofSession(request, session));
    return { ...userOf(user), token, expires_in: ACCESS_TOKEN_LIFE_S, refresh_token: refreshToken };
  }
}

const userOf = ({ id, name, email, role }: SignedInUser): SignedInUser => ({ id, name, email, role });
