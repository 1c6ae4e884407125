import 'reflect-metadata';
import { Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { ExpressServerAdapter } from '../../src/edge/express/express-server.js';

/**
 * The smallest Nest app with a POST route: the baseline of the accept rate. The argument `own-server` selects the
 * service's adapter.
 */
@Controller()
class HelloController {
  @Post('hello')
  hello(): { hello: string } {
    return { hello: 'world' };
  }
}

@Module({ controllers: [HelloController] })
class HelloModule {}

const adapter = process.argv[2] === 'own-server' ? new ExpressServerAdapter() : new ExpressAdapter();
const app = await NestFactory.create(HelloModule, adapter, { logger: false });
await app.listen(0, '127.0.0.1');
process.send?.({ url: await app.getUrl() });
process.on('disconnect', () => process.exit());
