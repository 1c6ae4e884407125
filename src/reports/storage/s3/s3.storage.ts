import { open, rm, stat } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Logger } from '@nestjs/common';
import { mapSome } from '../map-some.js';
import {
  type ByteRange,
  checkedKey,
  type NewObject,
  ObjectStorage,
  type ServedAs,
  StorageUnavailable,
} from '../object-storage.js';
import { storageFault } from '../storage-fault.js';
import { type S3Settings, s3Client } from './s3-client.js';
import { isMissing, isRefusal, s3Detail, s3Fault } from './s3-fault.js';

/** Objects of one `put` that are uploaded at once. One over the size of a part is uploaded in up to four parts at once. */
const CONCURRENT_UPLOADS = 8;
/** A larger file is uploaded in parts: the smallest that S3 takes. */
const PART_BYTES = 5 * 1024 * 1024;
/** Keys of one DeleteObjects request, at most. */
const DELETED_AT_ONCE = 1_000;
/** Times that reading continues after the connection broke, without a byte in between. */
const RESUMES = 3;
const READ_BUFFER_BYTES = 256 * 1024;
/** An outage is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;
/** Objects of failed puts that are remembered for removal. */
const MAX_LEFTOVERS = 10_000;

/**
 * Objects in a bucket of S3, or of a server with its protocol. An object appears when its upload is complete. A `put` that fails
 * removes what it stored; if that fails too, the next `put` that succeeds does it.
 */
export class S3Storage extends ObjectStorage {
  private readonly logger = new Logger('Storage');
  private loggedAtMs = Number.NEGATIVE_INFINITY;
  private readonly client: S3Client;
  /** Signs the URLs of downloads. */
  private readonly signer: S3Client;
  private readonly leftovers = new Set<string>();
  private lastLargeUpload: Promise<unknown> = Promise.resolve();

  constructor(private readonly settings: S3Settings) {
    super();
    const { S3_PUBLIC_ENDPOINT } = settings;
    this.client = s3Client(settings);
    this.signer = S3_PUBLIC_ENDPOINT === undefined ? this.client : s3Client(settings, S3_PUBLIC_ENDPOINT);
  }

  /** Asks for the bucket. @throws The error of the SDK. */
  async check(): Promise<void> {
    await this.client.send(new HeadBucketCommand({ Bucket: this.settings.S3_BUCKET }));
  }

  override async put(objects: readonly NewObject[]): Promise<void> {
    const keys = objects.map(({ key }) => checkedKey(key));
    try {
      await mapSome(objects, CONCURRENT_UPLOADS, (object) => this.upload(object));
    } catch (error) {
      await this.remove(keys).catch(() => this.remember(keys));
      throw this.asStorageError(error);
    }
    for (const key of keys) this.leftovers.delete(key);
    if (this.leftovers.size > 0) this.removeLeftovers();
    // A file that cannot be deleted now is cleared with the spool later.
    const spooled = objects.flatMap((object) => ('path' in object ? [object.path] : []));
    await Promise.all(spooled.map((path) => rm(path, { force: true }).catch(() => undefined)));
  }

  /** Stores a copy of a local file, all or nothing. @throws StorageUnavailable */
  async copy(key: string, path: string): Promise<void> {
    await this.upload({ key: checkedKey(key), path }).catch((error: unknown) => {
      throw this.asStorageError(error);
    });
  }

  override open(key: string, range?: ByteRange): Readable {
    const closed = new AbortController();
    const stream = new PassThrough({ highWaterMark: READ_BUFFER_BYTES });
    stream.once('close', () => closed.abort());
    // An error is one of the stream.
    pipeline(this.read(checkedKey(key), range, closed.signal), stream).catch(() => undefined);
    return stream;
  }

  override async size(key: string): Promise<number | null> {
    try {
      return (await this.client.send(new HeadObjectCommand(this.named(key)))).ContentLength ?? 0;
    } catch (error) {
      if (isMissing(error)) return null;
      throw this.asStorageError(error);
    }
  }

  override async remove(keys: readonly string[]): Promise<void> {
    const names = keys.map((key) => ({ Key: this.named(key).Key }));
    for (let at = 0; at < names.length; at += DELETED_AT_ONCE) {
      const Delete = { Objects: names.slice(at, at + DELETED_AT_ONCE), Quiet: true };
      const { Errors } = await this.client
        .send(new DeleteObjectsCommand({ Bucket: this.settings.S3_BUCKET, Delete }))
        .catch((error: unknown) => {
          throw this.asStorageError(error);
        });
      const [error] = Errors ?? [];
      if (error) throw new StorageUnavailable(`S3 does not remove ${error.Key}: ${error.Code}`);
    }
  }

  override async url(key: string, { contentType, contentDisposition }: ServedAs): Promise<string | null> {
    const { S3_URL_EXPIRY } = this.settings;
    const named = this.named(key);
    if (S3_URL_EXPIRY === null) return null;
    const command = new GetObjectCommand({
      ...named,
      ResponseContentType: contentType,
      ResponseContentDisposition: contentDisposition,
      ResponseCacheControl: 'private, no-cache',
    });
    try {
      return await getSignedUrl(this.signer, command, { expiresIn: Math.floor(S3_URL_EXPIRY / 1_000) });
    } catch (error) {
      throw this.asStorageError(error);
    }
  }

  /** Closes the connections. */
  close(): void {
    this.client.destroy();
    this.signer.destroy();
  }

  private named(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.S3_BUCKET, Key: `${this.settings.S3_PREFIX ?? ''}${checkedKey(key)}` };
  }

  private async upload(object: NewObject): Promise<void> {
    if ('bytes' in object) return this.send(object.key, object.bytes, object.bytes.length);
    const { size } = await stat(object.path);
    const upload = (): Promise<void> => this.uploadFile(object.key, object.path, size);
    if (size <= PART_BYTES) return upload();
    // One at a time in this process: each holds several parts in memory.
    const uploaded = this.lastLargeUpload.then(upload);
    this.lastLargeUpload = uploaded.catch(() => undefined);
    return uploaded;
  }

  private async uploadFile(key: string, path: string, size: number): Promise<void> {
    const file = await open(path);
    const body = file.createReadStream({ highWaterMark: READ_BUFFER_BYTES });
    try {
      await this.send(key, body, size);
    } finally {
      body.destroy();
    }
  }

  private async send(key: string, body: Buffer | Readable, size: number): Promise<void> {
    const { S3_ENCRYPTION, S3_KMS_KEY_ID } = this.settings;
    const params: PutObjectCommandInput = {
      ...this.named(key),
      Body: body,
      ContentLength: size,
      ServerSideEncryption: S3_ENCRYPTION === 'bucket' ? undefined : S3_ENCRYPTION,
      SSEKMSKeyId: S3_KMS_KEY_ID,
    };
    await new Upload({ client: this.client, params }).done();
  }

  /** Continues where the connection broke, as it does when a slow reader lets it idle. */
  private async *read(key: string, range: ByteRange | undefined, signal: AbortSignal): AsyncGenerator<Buffer> {
    let at = range?.start ?? 0;
    let etag: string | undefined;
    for (let failures = 0; ; failures++) {
      // An empty object has no satisfiable range.
      const Range = at === 0 && !range ? undefined : `bytes=${at}-${range?.end ?? ''}`;
      const command = new GetObjectCommand({ ...this.named(key), Range, IfMatch: etag });
      try {
        const { Body, ETag } = await this.client.send(command, { abortSignal: signal });
        etag = ETag;
        for await (const chunk of Body as Readable as AsyncIterable<Buffer>) {
          at += chunk.length;
          failures = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        if (signal.aborted || isMissing(error)) throw error;
        if (isRefusal(error) || failures >= RESUMES) throw this.asStorageError(error);
      }
    }
  }

  private remember(keys: readonly string[]): void {
    for (const key of keys) if (this.leftovers.size < MAX_LEFTOVERS) this.leftovers.add(key);
  }

  private removeLeftovers(): void {
    const keys = [...this.leftovers];
    this.leftovers.clear();
    this.remove(keys).catch(() => this.remember(keys));
  }

  /** An operator sees in the log what callers do not. */
  private asStorageError(error: unknown): Error {
    if (error instanceof StorageUnavailable || error instanceof TypeError) return error;
    const fault = storageFault(error) ?? s3Fault(error);
    const nowMs = performance.now();
    if (nowMs > this.loggedAtMs + LOG_INTERVAL_MS) {
      this.loggedAtMs = nowMs;
      this.logger.warn(`${fault}: ${s3Detail(error)}`);
    }
    return new StorageUnavailable(fault, { cause: error });
  }
}
