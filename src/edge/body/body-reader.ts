import type { IncomingMessage } from 'node:http';
import { BadRequestException, Inject, Injectable, RequestTimeoutException } from '@nestjs/common';
import type { Caller } from '../../http/caller.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { BodyMemory, type BodyLease } from './body-memory.js';

/** How a body is read. */
export interface Reading {
  limitBytes: number;
  /** The error of a body over the limit. */
  tooLarge: () => Error;
}

/** Reads the bytes of request bodies, within the limits of one body and of all bodies of the process. */
@Injectable()
export class BodyReader {
  constructor(
    private readonly memory: BodyMemory,
    @Inject(CONFIG) private readonly config: Pick<Config, 'REQUEST_TIMEOUT'>,
  ) {}

  /**
   * @param caller Limits of {@link BodyMemory} count by its id.
   * @returns The body, empty if it has no bytes.
   * @throws The error of `tooLarge` as soon as the limit is exceeded, without reading the rest; BodiesBusy;
   * BadRequestException when the client aborts the request; RequestTimeoutException when it has not arrived in time.
   */
  read(request: IncomingMessage, caller: Caller, reading: Reading): Buffer | Promise<Buffer> {
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    if (length > reading.limitBytes) throw reading.tooLarge();
    if (!request.complete && request.readableLength !== length) return this.readStream(request, caller, reading);
    // A short body usually arrives with the head, and no other body waits for its memory.
    const bytes = (request.read() as Buffer | null) ?? Buffer.alloc(0);
    if (bytes.length > reading.limitBytes) throw reading.tooLarge();
    return bytes;
  }

  private async readStream(request: IncomingMessage, caller: Caller, reading: Reading): Promise<Buffer> {
    const lease = this.memory.lease(caller.id);
    try {
      return await collect(request, reading, lease, this.config.REQUEST_TIMEOUT);
    } finally {
      lease.release();
    }
  }
}

function collect(
  request: IncomingMessage,
  { limitBytes, tooLarge }: Reading,
  lease: BodyLease,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', finish).off('close', abort).off('error', abort);
    };
    const fail = (error: unknown): void => {
      settle();
      request.pause();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limitBytes) return fail(tooLarge());
      chunks.push(chunk);
      const granted = lease.grow(chunk.length);
      if (granted === true) return;
      request.pause();
      granted.then(() => request.resume(), fail);
    };
    const finish = (): void => {
      settle();
      resolve(Buffer.concat(chunks, bytes));
    };
    const abort = (): void => fail(new BadRequestException('The request ended before its body was complete'));
    // Node's own timeout covers every request, also those whose body may take any time.
    const timer = setTimeout(() => {
      fail(new RequestTimeoutException('The request did not arrive before the timeout'));
    }, timeoutMs);
    // Without an `error` listener an aborted request would end the process, also after the promise is settled.
    request.on('error', () => undefined);
    request.on('data', take).on('end', finish).on('close', abort).on('error', abort);
  });
}
