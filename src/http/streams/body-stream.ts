import type { IncomingMessage } from 'node:http';
import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import type { Request } from 'express';

/**
 * Metadata: the media types of a body that the handler reads itself, as a stream, behind the guards. The limits of a body's
 * size and of the time in which it arrives do not apply to it.
 */
export const StreamedBody = Reflector.createDecorator<readonly string[]>();

/**
 * Marks a route whose handler reads its body as a stream ({@link BodyStream}).
 * @param examples One body for each media type that the route takes.
 */
export function StreamsBody(description: string, examples: Readonly<Record<string, string>>) {
  const mediaTypes = Object.keys(examples);
  const named = Object.fromEntries(Object.entries(examples).map(([type, value]) => [type, { value }]));
  return applyDecorators(
    StreamedBody(mediaTypes),
    ApiConsumes(...mediaTypes),
    ApiBody({ required: true, description, schema: { type: 'string' }, examples: named }),
  );
}

/** The end of a body did not arrive. */
export class BodyCut extends Error {
  /** @param reason `dropped` by the client, `stalled` for too long, or `stopped` by this service. */
  constructor(readonly reason: 'dropped' | 'stalled' | 'stopped') {
    super(`The body was ${reason}`);
  }
}

/** A body must progress by this much within the idle timeout, or a sender of single bytes could hold its place for ever. */
const PROGRESS_BYTES = 4 * 1024;

/** The bytes of a body, read only as fast as the reader takes them. */
export class BodyStream {
  private waitedMs = 0;
  private progressBytes = 0;

  /** @param begin Called once, right before the first byte is read. */
  constructor(
    readonly mediaType: string,
    private readonly request: IncomingMessage,
    private readonly begin: () => void,
  ) {
    // Without a listener an aborted request would end the process.
    request.on('error', () => undefined);
  }

  /**
   * Yields the chunks of the body.
   * @param idleMs Time that the reader waits in all for a few more KiB; the reader's own time does not count.
   * @param stop Ends the reading.
   * @throws BodyCut
   */
  async *chunks(idleMs: number, stop: AbortSignal): AsyncGenerator<Buffer> {
    this.begin();
    for (;;) {
      if (stop.aborted) throw new BodyCut('stopped');
      const chunk = this.request.read() as Buffer | null;
      if (chunk !== null) {
        this.progress(chunk.length);
        yield chunk;
      } else if (this.request.readableEnded) {
        return;
      } else if (this.request.destroyed) {
        throw new BodyCut('dropped');
      } else {
        await this.wait(idleMs, stop);
      }
    }
  }

  private progress(bytes: number): void {
    this.progressBytes += bytes;
    if (this.progressBytes < PROGRESS_BYTES) return;
    this.progressBytes = 0;
    this.waitedMs = 0;
  }

  private async wait(idleMs: number, stop: AbortSignal): Promise<void> {
    const sinceMs = performance.now();
    const isLate = await changed(this.request, idleMs - this.waitedMs, stop);
    if (isLate) throw new BodyCut('stalled');
    this.waitedMs += performance.now() - sinceMs;
  }
}

/** Resolves when a request may have bytes or has ended, or the signal aborts. @returns True if neither happened in time. */
function changed(request: IncomingMessage, ms: number, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isLate: boolean): void => {
      clearTimeout(timer);
      for (const event of EVENTS) request.off(event, onChange);
      stop.removeEventListener('abort', onChange);
      resolve(isLate);
    };
    const onChange = (): void => settle(false);
    const timer = setTimeout(() => settle(true), Math.max(0, ms));
    for (const event of EVENTS) request.on(event, onChange);
    stop.addEventListener('abort', onChange);
  });
}
const EVENTS = ['readable', 'end', 'close', 'error'];

const STREAM = Symbol('body stream');
type RequestWithStream = Request & { [STREAM]?: BodyStream };

/** Called by the interceptor of bodies. */
export function setBodyStream(request: RequestWithStream, stream: BodyStream): void {
  request[STREAM] = stream;
}

/** Parameter decorator: the {@link BodyStream} of a route that is marked by {@link StreamsBody}. */
export const StreamOfBody = createParamDecorator((_: undefined, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<RequestWithStream>()[STREAM];
});
