declare module 's3rver' {
  import type { Server } from 'node:http';

  /** The parts of the test server for S3 that are used. */
  export default class S3rver {
    constructor(options: {
      address: string;
      port: number;
      directory: string;
      silent: boolean;
      vhostBuckets: boolean;
      configureBuckets: { name: string }[];
    });
    httpServer: Server;
    store: {
      listObjects(bucket: string, options: object): Promise<{ objects: { key: string }[] }>;
      deleteObject(bucket: string, key: string): Promise<void>;
    };
    run(): Promise<{ port: number }>;
    close(): Promise<void>;
    middleware: unknown[];
    use(middleware: (context: S3Context, next: () => Promise<void>) => Promise<void>): this;
  }

  export interface S3Context {
    req: import('node:http').IncomingMessage;
    res: import('node:http').ServerResponse;
    method: string;
    url: string;
  }
}
