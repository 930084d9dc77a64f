import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Envelope } from './back-end';

/** An account as its back ends know it. */
export interface Account {
  readonly authId: string;
  readonly secret: string;
  /** `key`: the original `x-auth-key`, which covers no body; `signature`: `x-timestamp` and `x-signature`. */
  readonly proof: 'key' | 'signature';
}

/** An answer as it came from a door. */
export interface Answer<Body> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Body;
}

/** Headers and body of a call, ready to be sent, and to be sent again. */
export interface PreparedCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface CallOptions {
  readonly version?: '1' | '2';
  /** The caller's clock, in Unix seconds. */
  readonly seconds?: number;
  readonly random?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes a call of the xroom API as the manual says, e.g. of `room/init`. */
export function prepare(account: Account, call: string, data: object, options: CallOptions = {}): PreparedCall {
  const [collection = '', method = ''] = call.split('/');
  const { version = '2', seconds = Math.floor(Date.now() / 1_000), headers } = options;
  const { random = randomBytes(32).toString('hex') } = options;
  const path = `/api/${collection}`;
  const body = JSON.stringify({ method, data });
  const hmac = (signed: string) => createHmac('sha256', account.secret).update(signed).digest('hex');
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const proof: Record<string, string> =
    account.proof === 'key'
      ? { 'x-auth-key': hmac(random) }
      : {
          'x-timestamp': String(seconds),
          'x-signature': hmac(['POST', path, seconds, random, bodyHash].join('\n')),
        };
  const common = { 'content-type': 'application/json', 'x-api-version': version, 'x-auth-id': account.authId };
  return { path, body, headers: { ...common, 'x-random': random, ...proof, ...headers } };
}

/**
 * Sends a call to a region's front door: once, whatever the answer. `fetch` would send what is answered 421 again by itself.
 * @param door base URL
 */
export async function send(door: string, { path, headers, body }: PreparedCall): Promise<Answer<Envelope<unknown>>> {
  return post(door + path, headers, body);
}

/** Asks for a ticket at a region's front door, as a visitor's browser does. */
export async function join(door: string, room: string): Promise<Answer<Record<string, unknown>>> {
  return post(`${door}/join`, { 'content-type': 'application/json' }, JSON.stringify({ room, displayName: 'Ada' }));
}

async function post<Body>(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answer<Body>> {
  // No kept connections: a test that kills a process must not find one of its own broken.
  const sent = request(url, { method: 'POST', agent: false, headers: { ...headers, connection: 'close' } });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: JSON.parse(await text(answer)) as Body,
  };
}
