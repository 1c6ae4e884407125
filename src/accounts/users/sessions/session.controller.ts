import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Action } from '../../../http/action.decorators.js';
import { Public } from '../../../http/auth.decorators.js';
import { Caller, callerOf, setCaller } from '../../../http/caller.js';
import { CountedField, RateLimited } from '../../../http/rate-limit.decorators.js';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { CallerFactory } from '../caller-factory.js';
import { clearCookie, setCookie } from './session-cookie.js';
import { type CreateSessionBody, createSessionBody, sessionView } from './session.schema.js';
import { SessionsService } from './sessions.service.js';
import { SignIn } from './sign-in.js';

/** The session of a browser. The dashboard has no other way to authenticate. */
@ApiTags('users')
@Public()
@Controller('api/session')
export class SessionController {
  constructor(
    private readonly signIn: SignIn,
    private readonly sessions: SessionsService,
    private readonly callers: CallerFactory,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AUTH'>,
  ) {}

  @Post()
  @Action('session.create')
  @RateLimited('login')
  @CountedField('email')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Log in to the dashboard with an API key, or with an email address and a password',
    description:
      'Sets an HttpOnly cookie that is valid for 24 hours. Requests with it must come from pages of this origin.',
  })
  @ApiOkResponse({ standardSchema: sessionView })
  @ApiUnauthorizedResponse({ description: 'The API key, or the address or the password, is wrong' })
  async create(
    @Body({ schema: createSessionBody }) body: CreateSessionBody,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const { cookie, session } = 'api_key' in body ? await this.signIn.byKey(body) : await this.signIn.byPassword(body);
    setCookie(request, response, cookie);
    setCaller(request, this.callers.ofSession(request, session));
    return this.viewOf(callerOf(request));
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the caller that the cookie or the bearer token names, or null' })
  @ApiOkResponse({ standardSchema: sessionView })
  read(@Caller() caller: Caller): object {
    return this.viewOf(caller);
  }

  @Delete()
  @Action('session.delete')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Log out: end the session and delete its cookie. Also 200 without a session' })
  @ApiOkResponse({ standardSchema: sessionView })
  async remove(
    @Caller('sessionId') sessionId: string | undefined,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    if (sessionId !== undefined) await this.sessions.end(sessionId);
    clearCookie(request, response);
    return this.view(null, this.callers.isOpenOperator(request));
  }

  private viewOf({ actor, user, scopes, isOperator }: Caller): object {
    const isKnown = actor.kind === 'user' || actor.kind === 'key';
    const caller = isKnown && {
      kind: actor.kind,
      id: actor.id,
      name: actor.name,
      email: user?.email ?? null,
      role: user?.role ?? null,
      scopes: scopes ?? null,
    };
    return this.view(caller || null, isOperator);
  }

  private view(caller: object | null, isOperator: boolean): object {
    return { caller, authentication: this.config.AUTH, is_operator: isOperator };
  }
}
