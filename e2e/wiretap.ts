import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, queryDatabase } from '@parley/testing';
import { Redis } from 'ioredis';

/**
 * Runs ahead of a service's own code and writes down, per connection, what the process sends and what it is answered. Of
 * connections that it accepts only what it sends: what callers say is the test's own.
 */
const PRELOAD = `
const { appendFileSync } = require('node:fs');
const { Socket } = require('node:net');
const { Readable } = require('node:stream');
const service = /apps[\\\\/]([^\\\\/]+)[\\\\/]dist/.exec(process.argv[1] ?? '')?.[1];
const region = process.env.PARLEY_REGION;
if (service !== undefined && region === REGION) {
  const own = JSON.parse(process.env.PARLEY_REGIONS ?? '[]').find(({ id }) => id === region);
  const ownPorts = new Set([...(own?.apiUrls ?? []), ...(own?.signalingUrls ?? [])].map((url) => Number(new URL(url).port)));
  const names = new WeakMap();
  let count = 0;
  const nameOf = (socket) => {
    if (!names.has(socket)) {
      const peer = socket.server ? 'callers' : ownPorts.has(socket.remotePort) ? 'own-services' : 'others';
      names.set(socket, __dirname + '/' + [service, process.pid, count++, peer].join('.'));
    }
    return names.get(socket);
  };
  const note = (socket, way, chunk, encoding) =>
    appendFileSync(nameOf(socket) + '.' + way, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
  const { _write, _writev } = Socket.prototype;
  Socket.prototype._write = function (chunk, encoding, done) {
    whenConnected(this, () => note(this, 'said', chunk, encoding));
    return _write.call(this, chunk, encoding, done);
  };
  Socket.prototype._writev = function (chunks, done) {
    whenConnected(this, () => chunks.forEach(({ chunk, encoding }) => note(this, 'said', chunk, encoding)));
    return _writev.call(this, chunks, done);
  };
  Socket.prototype.push = function (chunk, encoding) {
    if (chunk !== null && !this.server) note(this, 'heard', chunk, encoding);
    return Readable.prototype.push.call(this, chunk, encoding);
  };
  function whenConnected(socket, act) {
    if (socket.connecting) socket.once('connect', act);
    else act();
  }
}
`;

/** What one connection of a recorded process carried. */
export interface Recorded {
  readonly service: string;
  /** `own-services`: the region's own api and gateways; `others`: databases, Redis, other regions, receivers. */
  readonly peer: 'callers' | 'own-services' | 'others';
  readonly way: 'said' | 'heard';
  readonly bytes: Buffer;
}

/** Everything that a region's processes send over TCP, and what they are answered by those whom they ask. */
export class Wiretap {
  private constructor(private readonly folder: string) {}

  static async on(region: string): Promise<Wiretap> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-wiretap-'));
    await writeFile(join(folder, 'preload.cjs'), PRELOAD.replace('REGION)', `${JSON.stringify(region)})`));
    return new Wiretap(folder);
  }

  /** For `npm start`, which hands it on to its services. */
  get env(): Readonly<Record<string, string>> {
    const given = process.env.NODE_OPTIONS ?? '';
    return { NODE_OPTIONS: `${given} --require=${join(this.folder, 'preload.cjs')}`.trim() };
  }

  async recorded(): Promise<readonly Recorded[]> {
    const names = (await readdir(this.folder)).filter((name) => /\.(?:said|heard)$/.test(name));
    return Promise.all(
      names.map(async (name) => {
        const [service = '', , , peer, way] = name.split('.') as [
          string,
          string,
          string,
          Recorded['peer'],
          Recorded['way'],
        ];
        return { service, peer, way, bytes: await readFile(join(this.folder, name)) };
      }),
    );
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Whether it is a connection to a database of `npm start`, as its first message says. */
export function isToDatabase({ bytes }: Recorded): boolean {
  return bytes.subarray(0, 512).includes('database\0parley_');
}

/** Everything that a Redis is told, scripts and their arguments included, from now on. */
export async function monitorRedis(url: string): Promise<{ text(): string; close(): void }> {
  const { hostname, port, password } = new URL(url);
  const socket = connect(Number(port), hostname);
  const said: Buffer[] = [];
  const text = () => Buffer.concat(said).toString('latin1');
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => said.push(chunk));
  if (password !== '') socket.write(`AUTH ${decodeURIComponent(password)}\r\n`);
  socket.write('MONITOR\r\n');
  const beginning = password === '' ? '+OK\r\n' : '+OK\r\n+OK\r\n';
  await eventually(() => text().startsWith(beginning), `Redis to begin; it says ${text()}`, 15_000);
  return { text, close: () => socket.destroy() };
}

/** All keys of a Redis with all their values. */
export async function redisText(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const parts: unknown[] = [];
    for (const key of await redis.keys('*')) parts.push(key, await valueOf(redis, key));
    return JSON.stringify(parts);
  } finally {
    redis.disconnect();
  }
}

async function valueOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, 0, -1, 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return undefined;
  }
}

/** All rows of a database as text, by table. */
export async function databaseText(url: string): Promise<ReadonlyMap<string, string>> {
  const tables = await queryDatabase<{ name: string }>(
    url,
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  const each = tables.map(
    ({ name }) => `SELECT '${name}' AS name, coalesce(string_agg(t::text, E'\\n'), '') AS rows FROM "${name}" AS t`,
  );
  const texts = await queryDatabase<{ name: string; rows: string }>(url, each.join(' UNION ALL '));
  return new Map(texts.map(({ name, rows }) => [name, rows]));
}

/** Whether a text stands in there, as it is, in base64 of whatever alignment, or in hex. */
export function isIn(haystack: Buffer | string, text: string): boolean {
  return formsOf(text).some((form) => haystack.includes(form));
}

function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  // What stands before and behind it shares a character with it: those are left out.
  const encoded = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 8) / 6)),
  );
  const urlSafe = encoded.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = bytes.toString('hex');
  return [...new Set([text, ...encoded, ...urlSafe, hex, hex.toUpperCase()])];
}
