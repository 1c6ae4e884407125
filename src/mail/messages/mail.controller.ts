import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope } from '../../http/auth.decorators.js';
import { Caller } from '../../http/caller.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import { type MailQuery, mailDetail, mailPage, mailQuery, mailView } from './mail.schema.js';
import { MailService } from './mail.service.js';

const NOT_FOUND = { description: 'Message not found' };
const FORBIDDEN = {
  description: 'The API key lacks the scope `admin`, or with `AUTH=open` the caller is on another machine',
};

@ApiTags('mail')
@Controller('api/mail')
@NeedsScope('admin')
export class MailController {
  constructor(private readonly mails: MailService) {}

  @Get()
  @ApiOperation({ summary: 'List messages, newest first (operators)' })
  @ApiOkResponse({ standardSchema: mailPage })
  @ApiForbiddenResponse(FORBIDDEN)
  list(@Query({ schema: mailQuery }) query: MailQuery, @Caller() caller: Caller): Promise<object> {
    return this.mails.list(caller, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a message with its text and its attempts (operators)' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: mailDetail })
  @ApiForbiddenResponse(FORBIDDEN)
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string, @Caller() caller: Caller): Promise<object> {
    return this.mails.detail(caller, id);
  }

  @Post(':id/retry')
  @Action('mail.retry')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send a message again that failed, was kept or waits for its next attempt (operators)',
    description:
      'It is due at once, and its retry schedule begins again. A message that is being sent is left as it is.',
  })
  @ApiParam(ID_PARAM)
  @ApiAcceptedResponse({ standardSchema: mailView })
  @ApiForbiddenResponse(FORBIDDEN)
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The message was sent' })
  retry(@Param('id', { schema: idParam }) id: string, @Caller() caller: Caller): Promise<object> {
    return this.mails.retry(caller, id);
  }
}
