import { Body, Controller, Get, Header, HttpCode, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import type { AccountId } from '../../platform/tenant.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { publicKeyList, type RotateBody, rotateBody, secretList } from './callback-secrets.schema.js';
import { CallbackSecretsService } from './callback-secrets.service.js';

@ApiTags('callbacks')
@Controller('api/callback-secrets')
export class CallbackSecretsController {
  constructor(private readonly secrets: CallbackSecretsService) {}

  @Get()
  @NeedsScope('reports:write')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: "List the secrets that sign the account's callbacks, newest first",
    description: 'Each account has secrets of its own. The first one is created when it is needed.',
  })
  @ApiOkResponse({ standardSchema: secretList })
  list(@OwnAccount() account: AccountId): Promise<object> {
    return this.secrets.list(account);
  }

  @Get('public-key')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: "List the Ed25519 public keys of the account's `v1a` signatures, newest first" })
  @ApiOkResponse({ standardSchema: publicKeyList })
  publicKeys(@OwnAccount() account: AccountId): Promise<object> {
    return this.secrets.publicKeys(account);
  }

  @Post('rotate')
  @Action('callback_secret.rotate', ['expire_old_after'])
  @NeedsScope('reports:write')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Rotate the secret of the account; the old ones also sign until they expire' })
  @ApiBody({ required: false })
  @ApiOkResponse({ standardSchema: secretList, description: 'The valid secrets. Every worker uses them within 5 s.' })
  @ApiConflictResponse({ description: 'Too many secrets are valid' })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed' })
  async rotate(@Body({ schema: rotateBody }) body: RotateBody, @OwnAccount() account: AccountId): Promise<object> {
    await this.secrets.rotate(account, body?.expire_old_after);
    return this.secrets.list(account);
  }
}
