import { pipeline } from 'node:stream/promises';
import {
  GoneException,
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  NotFoundException,
  PreconditionFailedException,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { isKnown, isWanted, preconditionsOf } from '../http/preconditions.js';
import type { AccountId } from '../platform/tenant.js';
import { RequestsService, type ResultFile } from '../requests/requests.service.js';
import { RetentionService } from '../requests/removal/retention.service.js';
import { byteRange } from './byte-range.js';
import type { ByteRange } from './storage/object-storage.js';
import { ResultStore } from './storage/packs/result-store.js';
import { FILE_NAME_END, mediaTypeOf } from './formats/file-format.js';

/** Sends the files of finished reports with validators, conditions and ranges (RFC 9110). */
@Injectable()
export class ReportDownload {
  private readonly logger = new Logger(ReportDownload.name);

  constructor(
    private readonly requests: RequestsService,
    private readonly files: ResultStore,
    private readonly retention: RetentionService,
  ) {}

  /** @throws NotFoundException, GoneException, and HttpException 416, all before the first byte. */
  async send(fileName: string, account: AccountId, req: Request, res: Response): Promise<void> {
    const file = await this.find(fileName, account);
    const etag = `"${file.sha256}"`;
    // Caches must revalidate, so that they do not serve a deleted report. The response is mostly a 304.
    res.set({ ETag: etag, 'Cache-Control': 'private, no-cache', 'Accept-Ranges': 'bytes' });
    // Express' `req.fresh` is false under `Cache-Control: no-cache`, which fetch() adds to every conditional request.
    const preconditions = preconditionsOf(req);
    if (!isWanted(preconditions, etag))
      throw new PreconditionFailedException('The file has another ETag than If-Match names');
    if (isKnown(preconditions, etag)) return void res.status(HttpStatus.NOT_MODIFIED).end();
    const range = chosenRange(req, etag, file.sizeBytes);
    if (range === 'unsatisfiable') {
      res.set('Content-Range', `bytes */${file.sizeBytes}`).removeHeader('ETag');
      throw new HttpException('The range lies outside the file', HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
    }
    res.attachment(file.fileName).set({ 'Content-Type': mediaTypeOf(fileName), 'X-Content-Type-Options': 'nosniff' });
    if (req.method === 'GET' && !isScript(req) && (await this.redirect(file, res))) return;
    if (range) res.status(HttpStatus.PARTIAL_CONTENT).set('Content-Range', contentRange(range, file.sizeBytes));
    res.set('Content-Length', String(range ? range.end - range.start + 1 : file.sizeBytes));
    if (req.method === 'HEAD') return void res.end();
    await this.stream(file, range, res);
  }

  /**
   * Redirects to the storage if it serves the file itself, ranges included. HEAD is answered here, because the URL is signed
   * for GET. The URL expires, so nothing may keep the redirect, not even to revalidate it.
   * @returns Whether it did.
   */
  private async redirect({ fileKey }: ResultFile, res: Response): Promise<boolean> {
    const [contentType, contentDisposition] = ['Content-Type', 'Content-Disposition'].map((name) =>
      String(res.get(name)),
    );
    const url = await this.files.url(fileKey, { contentType: contentType!, contentDisposition: contentDisposition! });
    if (url === null) return false;
    for (const name of ['Content-Type', 'Content-Disposition', 'Accept-Ranges']) res.removeHeader(name);
    res.status(HttpStatus.FOUND).set({ Location: url, 'Cache-Control': 'no-store' }).end();
    return true;
  }

  /** The name is only looked up and compared: no path is ever made from it. */
  private async find(fileName: string, account: AccountId): Promise<ResultFile> {
    const requestId = FILE_NAME_END.exec(fileName)?.[1];
    const file = requestId === undefined ? null : await this.requests.resultFile(requestId, account);
    // A request deleted by age has no row, but the time is part of its id.
    if (requestId !== undefined && !file && this.retention.isPast(requestId)) {
      throw new GoneException('Report files are not kept for that long');
    }
    if (file?.fileName !== fileName) throw new NotFoundException('Report file not found');
    // A file of another size is truncated or changed, and no longer the report.
    if ((await this.files.size(file.fileKey)) !== file.sizeBytes) throw new GoneException('The report file is gone');
    return file;
  }

  /** The pipeline reads as fast as the client takes, and closes the file when the client goes away. */
  private async stream({ fileKey }: ResultFile, range: ByteRange | null, res: Response): Promise<void> {
    try {
      await pipeline(this.files.open(fileKey, range ?? undefined), res);
    } catch (error) {
      const isClientGone = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
      // Too late for an error response. The pipeline has closed the connection, so the client sees a truncated body.
      if (!isClientGone) this.logger.error(`Sending ${fileKey} broke off`, error);
    }
  }
}

/**
 * Whether the script of a page fetches the file (Fetch Metadata). It could not read an answer of another host without CORS. A
 * link can be redirected.
 */
function isScript(req: Request): boolean {
  return req.get('sec-fetch-site') !== undefined && req.get('sec-fetch-mode') !== 'navigate';
}

function contentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end}/${sizeBytes}`;
}

/**
 * Returns the range to send, or null for the whole file. `Range` is ignored in methods other than GET (RFC 9110, 14.2) and
 * with an `If-Range` that is not exactly the file's ETag (13.1.5).
 */
function chosenRange(req: Request, etag: string, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  const [range, ifRange] = [req.get('range'), req.get('if-range')];
  if (range === undefined || req.method !== 'GET') return null;
  if (ifRange !== undefined && ifRange !== etag) return null;
  return byteRange(range, sizeBytes);
}
