export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Sends a signal: SIGSTOP freezes the server, SIGCONT resumes it. */
  signal(name: NodeJS.Signals): void;
  /** Ends the server, by default with SIGKILL. Resolves after its exit. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export function startRedisServer(options?: { port?: number; password?: string }): Promise<RedisServer>;
