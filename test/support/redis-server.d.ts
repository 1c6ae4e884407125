export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Ends it, by default as a crash would; resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export function startRedisServer(options?: { port?: number }): Promise<RedisServer>;
