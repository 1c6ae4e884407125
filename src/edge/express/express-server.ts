import { IncomingMessage, ServerResponse, createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express } from 'express';

/**
 * Nest's Express adapter with a server that creates requests and responses with Express' prototypes. Express replaces the
 * prototype of each object instead, after which V8 cannot cache property lookups: a quarter of the event loop's time
 * (docs/decisions/0010).
 */
export class ExpressServerAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    const app = this.getInstance<Express>();
    class Request extends IncomingMessage {}
    class Response extends ServerResponse<Request> {}
    app.request = inherit(Request.prototype, app.request);
    app.response = inherit(Response.prototype, app.response);
    this.httpServer = createServer(
      // Node would answer a request without Host itself, without problem details.
      { IncomingMessage: Request, ServerResponse: Response, requireHostHeader: false },
      app,
    );
  }
}

/** Copies the properties of a prototype, and its parent, to another one. */
function inherit<Prototype extends object>(prototype: object, other: Prototype): Prototype {
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(other) as object);
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(other)) as Prototype;
}
