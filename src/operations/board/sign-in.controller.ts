import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { NeedsNoKey } from '../../http/auth.decorators.js';
import { SIGN_IN_SCRIPT } from './sign-in-page.js';

/** The script of the page that a browser gets instead of the board. */
@ApiExcludeController()
@NeedsNoKey()
@Controller('admin/queues/sign-in.js')
export class SignInController {
  @Get()
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): string {
    return SIGN_IN_SCRIPT;
  }
}
