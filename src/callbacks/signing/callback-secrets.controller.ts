import { Body, Controller, Get, Header, HttpCode, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { NeedsScope } from '../../http/auth.decorators.js';
import { publicKeyList, type RotateBody, rotateBody, secretList } from './callback-secrets.schema.js';
import { CallbackSecretsService } from './callback-secrets.service.js';

@ApiTags('callbacks')
@Controller('api/callback-secrets')
export class CallbackSecretsController {
  constructor(private readonly secrets: CallbackSecretsService) {}

  @Get()
  @NeedsScope('admin')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List the secrets that sign callbacks, newest first' })
  @ApiOkResponse({ standardSchema: secretList })
  list(): Promise<object> {
    return this.secrets.list();
  }

  @Get('public-key')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List the Ed25519 public keys of `v1a` signatures, newest first' })
  @ApiOkResponse({ standardSchema: publicKeyList })
  publicKeys(): Promise<object> {
    return this.secrets.publicKeys();
  }

  @Post('rotate')
  @NeedsScope('admin')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Rotate the secret; the old ones also sign until they expire' })
  @ApiBody({ required: false })
  @ApiOkResponse({ standardSchema: secretList, description: 'The valid secrets. Every worker uses them within 5 s.' })
  @ApiConflictResponse({ description: 'Too many secrets are valid' })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed' })
  async rotate(@Body({ schema: rotateBody }) body: RotateBody): Promise<object> {
    await this.secrets.rotate(body?.expire_old_after);
    return this.secrets.list();
  }
}
