/** Typings of the server launchers, which are plain JavaScript because `npm start` needs them before anything is built. */

export interface LocalServer {
  url: string;
  port: number;
  pid: number;
  /** Resolves when the process has ended, whoever ended it. */
  exited: Promise<unknown>;
}

export interface RedisServer extends LocalServer {
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface PostgresServer extends LocalServer {
  stop(): Promise<void>;
}

export interface Undertaker {
  pid: number;
  watch(pid: number, signal?: NodeJS.Signals): void;
  forget(pid: number): void;
  removeFolder(path: string): void;
  readFile(path: string): void;
  close(): Promise<void>;
}

/** A port (or the first of several in a row) that is this process's until it ends. */
export function freePort(inARow?: number): Promise<number>;
export function isPortFree(port: number, host?: string): Promise<boolean>;
export const REDIS_WAYS: string;
export function findRedisServer(path?: string): string | undefined;
export function startRedisServer(options: {
  dir: string;
  logFile: string;
  /** Demanded of everybody who connects; part of the url. */
  password?: string;
  port?: number;
  args?: string[];
  detached?: boolean;
}): Promise<RedisServer>;
export function startPostgresServer(options: {
  folder: string;
  logFile: string;
  password: string;
  port?: number;
  throwAway?: boolean;
  maxConnections?: number;
}): Promise<PostgresServer>;
export function startUndertaker(): Undertaker;

/**
 * An empty PostgreSQL that ends with this process at the latest.
 * @param options durable: commits wait for the disk, as where the data matters; for measuring
 */
export function startThrowAwayPostgres(options?: { durable?: boolean }): Promise<{
  url: string;
  pid: number;
  /** A temporary folder that goes when the server goes. */
  folder: string;
  undertaker: Undertaker;
  close(): Promise<void>;
}>;
