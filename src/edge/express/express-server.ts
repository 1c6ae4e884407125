import { IncomingMessage, ServerResponse, createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express } from 'express';

/**
 * Nest's adapter of Express, with a server that makes requests and responses with Express' prototypes. Express would give each
 * of them that prototype when it comes: to V8 every one is a kind of object of its own from then on, and looking up what it
 * does not know took a quarter of the event loop's time.
 */
export class ExpressServerAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    const app = this.getInstance<Express>();
    class Request extends IncomingMessage {}
    class Response extends ServerResponse<Request> {}
    app.request = takeOver(Request.prototype, app.request);
    app.response = takeOver(Response.prototype, app.response);
    this.httpServer = createServer({ IncomingMessage: Request, ServerResponse: Response }, app);
  }
}

/** Gives a prototype all that another one has and inherits. */
function takeOver<Prototype extends object>(prototype: object, other: Prototype): Prototype {
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(other) as object);
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(other)) as Prototype;
}
