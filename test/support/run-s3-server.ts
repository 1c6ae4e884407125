import type { IncomingMessage } from 'node:http';
import S3rver, { type S3Context } from 's3rver';

const BUCKET = 'daybook-reports';
/** The only key that the server knows. */
const KEY = 'S3RVER';

/** A server with the protocol of S3, which keeps its objects while it is stopped. */
export interface S3Server {
  readonly url: string;
  /** Settings of a service that stores in its bucket. */
  readonly settings: Record<string, string>;
  /** The requests so far, as `METHOD /path`. */
  readonly requests: string[];
  /** The headers of the requests so far. */
  readonly headers: IncomingMessage['headers'][];
  /** The requests that are not answered in full. */
  openRequests(): number;
  /** Answers 503 to some requests from now on. */
  failOn(isFailing: (method: string, url: string) => boolean): void;
  breakConnections(): void;
  /** The keys of all objects. */
  objects(): Promise<string[]>;
  removeObject(key: string): Promise<void>;
  start(): Promise<void>;
  /** Ends all connections, and refuses further ones until `start`. */
  stop(): Promise<void>;
}

/** Starts a server with its objects in a folder. */
export async function runS3Server(directory: string): Promise<S3Server> {
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  let running: S3rver | null = null;
  let port = 0;
  let open = 0;
  let isFailing: (method: string, url: string) => boolean = () => false;
  const start = async (): Promise<void> => {
    const options = { address: '127.0.0.1', port, directory, silent: true, vhostBuckets: false };
    running = new S3rver({ ...options, configureBuckets: [{ name: BUCKET }] });
    running.middleware.unshift(async ({ req, res, method, url }: S3Context, next: () => Promise<void>) => {
      requests.push(`${method} ${url}`);
      headers.push(req.headers);
      open++;
      res.once('close', () => open--);
      if (!isFailing(method, url)) return next();
      res.writeHead(503).end();
    });
    port = (await running.run()).port;
  };
  const stop = async (): Promise<void> => {
    const closed = running?.close();
    running?.httpServer.closeAllConnections();
    running = null;
    await closed;
  };
  await start();
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    STORAGE: 's3',
    S3_BUCKET: BUCKET,
    S3_ENDPOINT: url,
    S3_ACCESS_KEY_ID: KEY,
    S3_SECRET_ACCESS_KEY: KEY,
  };
  return {
    url,
    settings,
    requests,
    headers,
    openRequests: () => open,
    failOn: (given) => void (isFailing = given),
    breakConnections: () => running?.httpServer.closeAllConnections(),
    objects: async () => {
      const { objects } = await running!.store.listObjects(BUCKET, {});
      return objects.map(({ key }) => key);
    },
    removeObject: (key) => running!.store.deleteObject(BUCKET, key),
    start,
    stop,
  };
}
