import type { IncomingMessage, Server, ServerResponse } from 'node:http';

const waiting = new WeakSet<IncomingMessage>();

/**
 * Delays `100 Continue` until a body is about to be read, so that a refused request is answered before the client sends
 * its body (RFC 9110, section 10.1.1). Node would write it before any check.
 */
export function delayContinue(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request);
    // The client may still send the body after a refusal, and its next request cannot be told from that.
    response.setHeader('Connection', 'close');
    server.emit('request', request, response);
  });
}

/** Writes `100 Continue` if the client waits for it. Call it right before the body is read. */
export function acceptExpectation(request: IncomingMessage, response: ServerResponse): void {
  if (!waiting.delete(request)) return;
  if (!/\bclose\b/i.test(request.headers.connection ?? '')) response.removeHeader('Connection');
  response.writeContinue();
}
