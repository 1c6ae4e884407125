/** The S3 driver against a server with its protocol. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../src/platform/config/config.js';
import { StartError } from '../../src/platform/errors.js';
import { StorageUnavailable } from '../../src/reports/storage/object-storage.js';
import { Spool } from '../../src/reports/storage/packs/spool.js';
import { openBucket } from '../../src/reports/storage/s3/open-bucket.js';
import { S3Storage } from '../../src/reports/storage/s3/s3.storage.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';
import { serviceSources } from '../support/source.js';
import { describePacks } from './pack-conformance.js';
import { describeStorage } from './storage-conformance.js';

const PART_BYTES = 5 * 1024 * 1024;

let server: S3Server;
let folder: string;
beforeAll(async () => {
  server = await startS3Server();
  folder = await temporaryFolder();
});

const opened: S3Storage[] = [];
afterAll(() => opened.forEach((storage) => storage.close()));

function open(settings: Record<string, string> = {}): S3Storage {
  const config = parseConfig({ ...server.settings, S3_PREFIX: 'reports/daybook', ...settings });
  const storage = new S3Storage({ ...config, S3_BUCKET: config.S3_BUCKET! });
  opened.push(storage);
  return storage;
}

function spool(content: string | Buffer): string {
  const path = join(folder, randomUUID());
  writeFileSync(path, content);
  return path;
}

const newKey = (): string => `${randomUUID()}.csv`;

describeStorage('S3Storage', () => ({ storage: open(), reopened: open, spool }));

describePacks('S3Storage', () => ({ storage: open(), spool: new Spool(join(folder, 'spool')) }));

describe('S3Storage', () => {
  it('uploads a large file in parts, consumes it, and reads it and its ranges back', async () => {
    const bytes = randomBytes(2 * PART_BYTES + 12_345);
    const [key, path] = [newKey(), spool(bytes)];
    const before = server.requests.length;
    const storage = open();
    await storage.put([{ key, path }]);
    const sent = server.requests.slice(before).filter((line) => line.includes(key));
    expect(sent.filter((line) => /^PUT .*partNumber=\d/.test(line))).toHaveLength(3);
    expect(sent.every((line) => line.includes(`/daybook-reports/reports/daybook/${key}`))).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(bytes.equals(await buffer(storage.open(key)))).toBe(true);
    const [start, end] = [PART_BYTES - 10, PART_BYTES + 10];
    expect(bytes.subarray(start, end + 1).equals(await buffer(storage.open(key, { start, end })))).toBe(true);
  });

  it('asks the server to encrypt as it is set', async () => {
    const encryptionOf = async (settings: Record<string, string>) => {
      const storage = open(settings);
      for (const path of [spool('small'), spool(Buffer.alloc(PART_BYTES + 1))])
        await storage.put([{ key: newKey(), path }]);
      const sent = server.headers.splice(0).flatMap((headers) => {
        const { 'x-amz-server-side-encryption': how, 'x-amz-server-side-encryption-aws-kms-key-id': key } = headers;
        return how === undefined ? [] : [[how, key].filter((value) => value !== undefined)];
      });
      return sent;
    };
    server.headers.splice(0);
    expect(await encryptionOf({})).toEqual([]);
    const aes = await encryptionOf({ S3_ENCRYPTION: 'AES256' });
    expect(aes).toEqual([['AES256'], ['AES256']]);
    const kms = await encryptionOf({ S3_ENCRYPTION: 'aws:kms', S3_KMS_KEY_ID: 'a-key' });
    expect(kms).toEqual([
      ['aws:kms', 'a-key'],
      ['aws:kms', 'a-key'],
    ]);
  });

  it('signs URLs that serve an object with a name and a type, and expire', async () => {
    const storage = open({ S3_URL_EXPIRY: '2s' });
    const key = newKey();
    await storage.put([{ key, bytes: Buffer.from('Zürich') }]);
    const as = { contentType: 'text/csv; charset=utf-8', contentDisposition: 'attachment; filename="a b.csv"' };
    const url = await storage.url(key, as);
    const served = await fetch(url!);
    expect(await served.text()).toBe('Zürich');
    expect(served.headers.get('content-type')).toBe(as.contentType);
    expect(served.headers.get('content-disposition')).toBe(as.contentDisposition);
    const range = await fetch(url!, { headers: { Range: 'bytes=0-2' } });
    expect([range.status, await range.text()]).toEqual([206, 'Zü']);
    await eventually(async () => (await fetch(url!)).status === 403);
    expect(await open({ S3_URL_EXPIRY: 'off' }).url(key, as)).toBeNull();
    const elsewhere = await open({ S3_PUBLIC_ENDPOINT: 'https://files.example.com' }).url(key, as);
    expect(elsewhere).toMatch(/^https:\/\/files\.example\.com\/daybook-reports\/reports\/daybook\/.*X-Amz-Expires=300/);
  });

  it('continues where the connection breaks', async () => {
    const storage = open();
    const bytes = randomBytes(3 * PART_BYTES);
    const key = newKey();
    await storage.put([{ key, bytes }]);
    const stream = storage.open(key, { start: 1, end: bytes.length - 2 }) as AsyncIterable<Buffer>;
    const chunks: Buffer[] = [];
    let isFirst = true;
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (isFirst) server.breakConnections();
      isFirst = false;
    }
    expect(bytes.subarray(1, -1).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('ends the request when its reader goes away', async () => {
    const storage = open();
    const key = newKey();
    await storage.put([{ key, bytes: randomBytes(3 * PART_BYTES) }]);
    const stream = storage.open(key);
    await once(stream, 'readable');
    stream.destroy();
    await eventually(() => server.openRequests() === 0);
  });

  it('reports every outage as one of the storage, and works again after it', async () => {
    const storage = open();
    const key = newKey();
    await storage.put([{ key, bytes: Buffer.from('kept') }]);
    await server.stop();
    const path = spool('spooled');
    try {
      const put = storage.put([{ key: newKey(), path }]);
      await expect(put).rejects.toThrow(/^Report files cannot be stored in S3 \(ECONNREFUSED\)$/);
      await expect(put).rejects.toThrow(StorageUnavailable);
      await expect(storage.size(key)).rejects.toThrow(StorageUnavailable);
      await expect(storage.remove([key])).rejects.toThrow(StorageUnavailable);
      await expect(text(storage.open(key))).rejects.toThrow(StorageUnavailable);
      await expect(storage.check()).rejects.toThrow('ECONNREFUSED');
    } finally {
      await server.start();
    }
    await storage.put([{ key: newKey(), path }]);
    expect(await text(storage.open(key))).toBe('kept');
  });

  it('gives up on a server that does not answer', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const storage = open({ S3_ENDPOINT: `http://127.0.0.1:${port}`, S3_TIMEOUT: '1s' });
    await expect(storage.size(newKey())).rejects.toThrow(StorageUnavailable);
    silent.closeAllConnections();
    silent.close();
  });

  it('removes later what it could not remove of a failed put', async () => {
    const storage = open();
    const stored = newKey();
    server.failOn((method, url) => method === 'POST' || url.includes('refused'));
    const objects = [
      { key: stored, bytes: Buffer.from('x') },
      { key: `${randomUUID()}.refused`, bytes: Buffer.from('x') },
    ];
    await expect(storage.put(objects)).rejects.toThrow(StorageUnavailable);
    server.failOn(() => false);
    expect(await storage.size(stored)).toBe(1);
    await storage.put([{ key: newKey(), bytes: Buffer.from('x') }]);
    await eventually(async () => (await storage.size(stored)) === null);
  });

  it('fails when the bucket is missing, and not as if only the object were', async () => {
    const storage = open({ S3_BUCKET: 'another-bucket' });
    await expect(storage.put([{ key: newKey(), bytes: Buffer.from('x') }])).rejects.toThrow('(NoSuchBucket, HTTP 404)');
    await expect(storage.remove([newKey()])).rejects.toThrow('(NoSuchBucket, HTTP 404)');
    await expect(text(storage.open(newKey()))).rejects.toThrow('(NoSuchBucket, HTTP 404)');
  });

  it('does not tell callers about servers and keys', async () => {
    const storage = open({ S3_ACCESS_KEY_ID: 'AKIAOTHER' });
    const put = storage.put([{ key: newKey(), bytes: Buffer.from('x') }]);
    await expect(put).rejects.toThrow(/^Report files cannot be stored in S3 \(InvalidAccessKeyId, HTTP 403\)$/);
  });

  it.each([
    [{ S3_BUCKET: 'another-bucket' }, 'S3_BUCKET="another-bucket": there is no such bucket'],
    [{ S3_ACCESS_KEY_ID: 'OTHER' }, /^The bucket daybook-reports refuses: .*\(HTTP 403\)$/],
  ])('does not start with %j', async (settings, message) => {
    const config = parseConfig({ ...server.settings, ...settings });
    const opening = openBucket(config);
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(message);
  });

  it('starts while the server is away', async () => {
    await server.stop();
    try {
      const storage = await openBucket(parseConfig(server.settings));
      opened.push(storage);
      await expect(storage.size(newKey())).rejects.toThrow(StorageUnavailable);
    } finally {
      await server.start();
    }
  });
});

it('loads the SDK only for a bucket', () => {
  const sources = serviceSources().filter(({ path }) => !path.startsWith('src/reports/storage/s3/'));
  const loading = sources.filter(({ text: source }) => /@aws-sdk|\bfrom '[^']*\/s3\//.test(source));
  expect(loading.map(({ path }) => path)).toEqual([]);
});
