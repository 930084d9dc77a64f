import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Account, prepare } from './door';
import { untilServed } from './standstills';

/** A domain with what its owner has of it. */
export interface Subject {
  readonly domain: string;
  /** A host name that leads to it. */
  readonly host: string;
  /** Stands in all that is its data and can be chosen. */
  readonly tag: string;
  readonly account: Account;
  /** A bearer key of the account. */
  readonly key: string;
  readonly receiverUrl: string;
  readonly webhook: number;
  readonly spareWebhooks: readonly [number, number];
  readonly delivery: string;
  readonly robot: number;
  readonly spareRobot: number;
  readonly connectKey: string;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a call once; `fetch` would send what is answered 421 a second time by itself. */
export async function ask(door: string, { method, path, headers, body }: Call): Promise<Answered> {
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = request(door + path, { method, agent: false, headers: { connection: 'close', ...length, ...headers } });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: await text(answer) };
}

/**
 * Sends calls one after the other; one that is answered 503 is made anew and sent again.
 * @param calls makes them all, always in the same order
 */
export async function askEach(
  door: string,
  calls: () => readonly Call[],
  heard: (call: Call, answered: Answered) => void,
): Promise<void> {
  for (const [index, first] of calls().entries()) {
    let [call, tries] = [first, 0];
    const answered = await untilServed(() => {
      if (tries++ > 0) call = calls()[index] ?? call;
      return ask(door, call);
    });
    heard(call, answered);
  }
}

/** What was answered, when it was not refused. */
export function parsed({ status, text: said }: Pick<Answered, 'status' | 'text'>): Record<string, unknown> {
  if (status >= 300) throw new Error(`refused with ${status}: ${said}`);
  return JSON.parse(said) as Record<string, unknown>;
}

/** Writes bytes as they are and answers what came back until the other side closed; a connection that is cut is an end, too. */
export function exchange(door: string, bytes: string, options: { readonly end?: boolean } = {}): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(new URL(door).port), '127.0.0.1', () => {
      if (options.end) socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.on('error', () => undefined).on('close', () => resolve(received));
  });
}

/**
 * As {@link exchange}; answers the statuses of what came back. Again while there is a 503 among them.
 * @param bytes made anew each time
 */
export async function statusesOf(door: string, bytes: () => string): Promise<readonly number[]> {
  const { statuses } = await untilServed(async () => {
    const answers = (await exchange(door, bytes())).matchAll(/HTTP\/1\.1 (\d+) /g);
    const statuses = [...answers].map(([, status]) => Number(status));
    return { status: statuses.includes(503) ? 503 : (statuses[0] ?? 0), statuses };
  });
  return statuses;
}

/** A call as it goes over the wire. */
export function onTheWire({ method, path, headers, body }: Call, more: Readonly<Record<string, string>> = {}): string {
  const all = { host: 'front', 'content-length': String(Buffer.byteLength(body)), ...headers, ...more };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** The same without a length, in chunks. */
export function inChunks(call: Call, size: number): string {
  const [head = ''] = onTheWire({ ...call, body: '' }, { 'transfer-encoding': 'chunked' })
    .replace(/content-length: \d+\r\n/, '')
    .split('\r\n\r\n');
  const chunks = call.body.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
  return `${head}\r\n\r\n${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
}

export function xroom({ account }: Subject, call: string, data: object, headers: Record<string, string> = {}): Call {
  return { method: 'POST', ...prepare(account, call, data, { headers }) };
}

/** A call of the REST API, signed with the account's secret. */
export function signed({ account: { authId, secret } }: Subject, method: string, path: string, data?: object): Call {
  const body = data === undefined ? '' : JSON.stringify(data);
  const random = randomBytes(32).toString('hex');
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const hash = createHash('sha256').update(body).digest('hex');
  const signature = createHmac('sha256', secret).update([method, path, timestamp, random, hash].join('\n'));
  const proof = { 'x-auth-id': authId, 'x-random': random, 'x-timestamp': timestamp };
  return {
    ...{ method, path, body },
    headers: { 'x-api-version': '2', ...proof, 'x-signature': signature.digest('hex') },
  };
}

const withKey = ({ key }: Subject, method: string, path: string, data?: object): Call => ({
  ...{ method, path, headers: { authorization: `Bearer ${key}` } },
  body: data === undefined ? '' : JSON.stringify(data),
});

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

/** Every method of the manual that concerns the domain. What names an id alone carries the tag beside it. */
function methods(subject: Subject): Call[] {
  const { domain, tag, receiverUrl, webhook, spareWebhooks } = subject;
  const id = `${domain}/${tag}-room`;
  const booked = { domain, roomName: `${tag}-booked-too` };
  const calls: [string, object][] = [
    ['room/init', { id: `${domain}/${tag}-room-too`, key: `${tag}-password`, addHostKey: true }],
    ['room/setLock', { id, lock: false }],
    ['room/setPassword', { id, password: `${tag}-password` }],
    ['room/kickOut', { id, peerId: `${tag}-peer` }],
    ['room/list', { domain, [tag]: tag }],
    ['room/destroy', { id: `${domain}/${tag}-room-too` }],
    ['booking/add', { ...booked, validUntil: inAnHour() }],
    ['booking/update', { ...booked, validUntil: inAnHour() }],
    ['booking/get', booked],
    ['booking/list', { domain, [tag]: tag }],
    ['booking/remove', booked],
    ['webhook/add', { domain, type: 'url', url: `${receiverUrl}/${tag}-hook-too` }],
    ['webhook/list', { domain, token: tag }],
    ['webhook/validate', { id: webhook, [tag]: tag }],
    ['webhook/remove', { id: spareWebhooks[0], [tag]: tag }],
  ];
  return calls.map(([call, data]) => xroom(subject, call, data));
}

/** Every call of the REST API that concerns the domain; those that only a signature may make come with one in any case. */
function restCalls(subject: Subject, make: typeof withKey): Call[] {
  const { domain, tag, receiverUrl, webhook, delivery, robot } = subject;
  const hook = `/v1/webhooks/${webhook}`;
  const since = new Date(Date.now() - 60_000).toISOString();
  const call = (method: string, path: string, data?: object) => make(subject, method, path, data);
  return [
    call('GET', `/v1/webhooks?domain=${domain}`),
    call('POST', '/v1/webhooks', { domain, type: 'url', url: `${receiverUrl}/${tag}-hook-of-rest` }),
    call('GET', hook),
    call('PATCH', hook, { url: `${receiverUrl}/${tag}-hook-moved`, roomName: `${tag}-room` }),
    ...['validate', 'test', 'pause', 'resume'].map((act) => call('POST', `${hook}/${act}`)),
    call('GET', `${hook}/validations`),
    call('POST', `${hook}/secret/rotate`, { overlapHours: 1 }),
    call('GET', `${hook}/secrets`),
    call('GET', `${hook}/deliveries?room=${tag}-room`),
    ...['recover', 'replay'].map((act) => call('POST', `${hook}/${act}`, { since })),
    call('GET', `/v1/deliveries/${delivery}`),
    call('POST', `/v1/deliveries/${delivery}/resend`),
    call('GET', `/v1/events?domain=${domain}&room=${tag}-room`),
    call('GET', `/v1/events?domain=${domain}&room=${tag}-nothing&wait=1`),
    call('GET', `/v1/robots?domain=${domain}`),
    call('POST', '/v1/robots', { domain, name: `${tag}-robot-too` }),
    call('GET', `/v1/robots/${robot}`),
    call('GET', `/v1/domains/${domain}`),
    call('PATCH', `/v1/domains/${domain}`, { peerEvents: true }),
    call('POST', `/v1/domains/${domain}/webhook-key/rotate`, { overlapHours: 24 }),
  ];
}

/** A room is opened, in ways that could be taken for something else. */
function ways(subject: Subject, other: { readonly domain: string; readonly door: string }): Call[] {
  const { domain, host, tag } = subject;
  const headers: Record<string, string>[] = [
    { 'x-parley-domain': domain },
    { 'x-parley-domain': domain.toUpperCase() },
    { 'x-parley-domain': other.domain },
    { host },
    { host: `${host}:8080` },
    { host: new URL(other.door).host },
    { prefer: 'region-redirect' },
  ];
  return headers.map((each, n) =>
    xroom(subject, 'room/init', { id: `${domain}/${tag}-way-${n}`, key: `${tag}-password` }, each),
  );
}

/** All calls that concern the domain and are answered 421 where it is strictly resident elsewhere. */
export function callsAbout(subject: Subject, other: { readonly domain: string; readonly door: string }): Call[] {
  const { domain, tag, robot, spareWebhooks, spareRobot, connectKey } = subject;
  const join = { room: `${domain}/${tag}-room`, displayName: `${tag}-visitor`, password: `${tag}-password` };
  const json = { 'content-type': 'application/json' };
  return [
    ...ways(subject, other),
    ...methods(subject),
    ...restCalls(subject, signed),
    ...restCalls(subject, withKey),
    { method: 'POST', path: '/join', headers: json, body: JSON.stringify(join) },
    {
      method: 'POST',
      path: `/v1/robots/${robot}/tickets`,
      headers: { authorization: `Bearer ${connectKey}` },
      body: '',
    },
    signed(subject, 'POST', `/v1/robots/${spareRobot}/connect-key`),
    signed(subject, 'DELETE', `/v1/robots/${spareRobot}`),
    signed(subject, 'DELETE', `/v1/webhooks/${spareWebhooks[1]}`),
  ];
}

/** Calls of which nobody can read which domain they concern. */
export function unreadable(subject: Subject): Call[] {
  const { domain, tag } = subject;
  const opening = xroom(subject, 'room/init', { id: `${domain}/${tag}-room`, key: `${tag}-password` });
  const adding = { domain, type: 'url', url: `https://${tag}.example/hook` };
  const cut = (call: Call): Call => ({ ...call, body: call.body.slice(0, -2) });
  const twice = (call: Call): Call => ({ ...call, body: call.body.replace('{', `{"domain":"${tag}.example",`) });
  return [
    cut(opening),
    { ...opening, body: opening.body.replace('"data":{', `"data":{"id":"nobody.example/${tag}",`) },
    { ...opening, body: `${tag} is no JSON` },
    ...[signed, withKey].flatMap((make) => {
      const call = make(subject, 'POST', '/v1/webhooks', adding);
      return [cut(call), twice(call), { ...call, body: '' }];
    }),
    withKey(subject, 'POST', `/v1/unheard-of/${tag}`, { domain, tag }),
    { method: 'POST', path: '/join', headers: {}, body: `{"room":"${domain}/${tag}-room","displayName":` },
    { ...opening, method: 'PUT' },
    { ...opening, path: '/api/unheard-of' },
  ];
}
