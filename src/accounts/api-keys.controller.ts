import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Action } from '../http/action.decorators.js';
import { NeedsScope } from '../http/auth.decorators.js';
import { ID_PARAM, idParam } from '../http/fields/id-param.js';
import {
  type CreateKeyBody,
  type KeysQuery,
  type RotateKeyBody,
  createKeyBody,
  keyPage,
  keyView,
  keysQuery,
  newKeyView,
  rotateKeyBody,
} from './api-keys.schema.js';
import { ApiKeysService } from './api-keys.service.js';
import { KeysOverHttp } from './keys-over-http.guard.js';

const NOT_FOUND = { description: 'API key not found' };

@ApiTags('keys')
@NeedsScope('admin')
@UseGuards(KeysOverHttp)
@Controller('api/keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @Action('key.create', ['name', 'account', 'scopes'])
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Create an API key, whose text is shown only in this response' })
  @ApiCreatedResponse({ standardSchema: newKeyView })
  create(@Body({ schema: createKeyBody }) { expires_in, ...wanted }: CreateKeyBody): Promise<object> {
    return this.keys.create({ ...wanted, expiresInMs: expires_in ?? null });
  }

  @Get()
  @ApiOperation({ summary: 'List the API keys of all accounts, newest first' })
  @ApiOkResponse({ standardSchema: keyPage })
  list(@Query({ schema: keysQuery }) { cursor, ...filter }: KeysQuery): Promise<object> {
    return this.keys.list({ ...filter, beforeId: cursor });
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get an API key, without its text' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: keyView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string): Promise<object> {
    return this.keys.view(id);
  }

  @Post(':id/rotate')
  @Action('key.rotate')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Rotate an API key: create its successor. The old key stays valid for the overlap' })
  @ApiParam(ID_PARAM)
  @ApiBody({ required: false })
  @ApiCreatedResponse({ standardSchema: newKeyView })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The key is expired, revoked or already rotated' })
  rotate(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: rotateKeyBody }) { overlap }: RotateKeyBody,
  ): Promise<object> {
    return this.keys.rotate(id, overlap);
  }

  @Post(':id/revoke')
  @Action('key.revoke')
  @HttpCode(200)
  @ApiOperation({ summary: 'Revoke an API key; all processes reject it within 5 s' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: keyView })
  @ApiNotFoundResponse(NOT_FOUND)
  revoke(@Param('id', { schema: idParam }) id: string): Promise<object> {
    return this.keys.revoke(id);
  }
}
