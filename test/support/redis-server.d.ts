export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGSTOP lets it hang, SIGCONT go on. */
  signal(name: NodeJS.Signals): void;
  /** Ends it, by default as a crash would; resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export function startRedisServer(options?: { port?: number; password?: string }): Promise<RedisServer>;
