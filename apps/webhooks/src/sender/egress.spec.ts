import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { AllowedReceivers } from '@parley/server-kit';
import { selfSigned, startReceiver, type Receiver } from '@parley/testing';
import { WebhookSender, type PostingOutcome, type SenderOptions } from './webhook-sender';

const certificate = selfSigned('receiver.test');
const stop = new AbortController().signal;

/** A forward proxy: what it was asked to connect to, with which login. */
async function startProxy(answer?: (port: number) => string | undefined) {
  const asked: { target: string; login: string | undefined }[] = [];
  const server: Server = createServer((_request, response) => response.writeHead(501).end());
  server.on('connect', (request, socket) => {
    asked.push({ target: request.url ?? '', login: request.headers['proxy-authorization'] });
    const target = Number(request.url?.split(':').at(-1));
    const refusal = answer?.(target);
    if (refusal !== undefined) return void socket.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
    const far = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    for (const end of [far, socket]) end.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port, asked, close };
}

describe('the way out', () => {
  let receiver: Receiver;
  const ends: (() => unknown)[] = [];
  beforeEach(async () => {
    receiver = await startReceiver({}, certificate);
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await receiver.close();
  });

  async function post(options: SenderOptions, host = 'receiver.test'): Promise<PostingOutcome> {
    const sender = new WebhookSender({
      ca: certificate.cert,
      extraPorts: [receiver.port],
      resolve: async () => ['127.0.0.1'],
      connectTimeoutMs: 15_000,
      ...options,
    });
    ends.push(() => sender.close());
    return sender.post({
      url: `https://${host}:${receiver.port}/`,
      policy: 'public',
      body: '',
      deadlineMs: 15_000,
      stop,
    });
  }
  async function proxy(answer?: (port: number) => string | undefined) {
    const started = await startProxy(answer);
    ends.push(started.close);
    return started;
  }
  const allowed = new AllowedReceivers(['127.0.0.0/8']);

  test('leads to networks that the operator allows, and still to no others', async () => {
    expect(await post({ allowed })).toMatchObject({ kind: 'answered', status: 200 });
    expect(await post({ allowed: new AllowedReceivers(['10.0.0.0/8', '::1']) })).toMatchObject({ kind: 'refused' });
    expect(await post({ allowed, resolve: async () => ['127.0.0.1', '10.0.0.1'] })).toMatchObject({ kind: 'refused' });
    const name = new AllowedReceivers(['Receiver.test']);
    expect(await post({ allowed: name })).toMatchObject({ kind: 'answered', status: 200 });
    expect(await post({ allowed: name }, 'other.test')).toMatchObject({ kind: 'refused' });
    expect(await post({ allowed: name }, '127.0.0.1')).toMatchObject({ kind: 'refused' });
  });

  test('through a proxy is asked for the address that was checked; TLS is with the receiver', async () => {
    const { port, asked } = await proxy();
    const proxyUrl = `http://user:p%40ss@127.0.0.1:${port}`;
    expect(await post({ allowed, proxyUrl })).toMatchObject({ kind: 'answered', status: 200 });
    const login = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(asked).toEqual([{ target: `127.0.0.1:${receiver.port}`, login }]);
    expect(receiver.requests).toHaveLength(1);
  });

  test('through a proxy leads no further than without', async () => {
    const { port, asked } = await proxy();
    expect(await post({ proxyUrl: `http://127.0.0.1:${port}` })).toMatchObject({ kind: 'refused' });
    expect(await post({ proxyUrl: `http://127.0.0.1:${port}` }, '127.0.0.1')).toMatchObject({ kind: 'refused' });
    expect(asked).toEqual([]);
  });

  test.each(['407 Proxy Authentication Required', '502 Bad Gateway', '503 Busy', '403 Forbidden'])(
    'a proxy that says %s is to blame itself',
    async (answer) => {
      const { port } = await proxy(() => answer);
      const reason = `The egress proxy answered ${answer.slice(0, 3)}.`;
      expect(await post({ allowed, proxyUrl: `http://127.0.0.1:${port}` })).toEqual({ kind: 'no-way-out', reason });
      expect(receiver.requests).toHaveLength(0);
    },
  );

  test('a proxy that does not get through to one receiver is to blame until it gets through to another', async () => {
    const { port } = await proxy((target) => (target === receiver.port ? undefined : '503 No route'));
    const proxyUrl = `http://127.0.0.1:${port}`;
    const connectTimeoutMs = 15_000;
    const extraPorts = [receiver.port, 9];
    const sender = new WebhookSender({ ca: certificate.cert, extraPorts, allowed, proxyUrl, connectTimeoutMs });
    ends.push(() => sender.close());
    const tell = async (to: number): Promise<PostingOutcome> =>
      sender.post({ url: `https://127.0.0.1:${to}/`, policy: 'public', body: '', deadlineMs: 15_000, stop });
    expect(await tell(9)).toMatchObject({ kind: 'no-way-out' });
    expect(await tell(9)).toMatchObject({ kind: 'no-way-out' });
    // Its certificate is for a name, but the tunnel was opened.
    expect(await tell(receiver.port)).toMatchObject({ kind: 'unreachable' });
    expect(await tell(9)).toEqual({ kind: 'unreachable', reason: 'The receiver cannot be reached.' });
    expect(await tell(9)).toMatchObject({ kind: 'no-way-out' });
  });

  test('a proxy that is not there, or says nothing, is to blame itself', async () => {
    const { port, close } = await proxy();
    close();
    const gone = await post({ allowed, proxyUrl: `http://127.0.0.1:${port}` });
    expect(gone).toEqual({ kind: 'no-way-out', reason: 'The egress proxy cannot be reached.' });
    const mute = createServer().on('connect', () => undefined);
    mute.listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    ends.push(() => {
      mute.close();
      mute.closeAllConnections();
    });
    const proxyUrl = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    expect(await post({ allowed, proxyUrl, connectTimeoutMs: 500 })).toEqual({
      kind: 'no-way-out',
      reason: 'The egress proxy did not answer in time.',
    });
  });

  test('through a good proxy the faults of a receiver are its own', async () => {
    const { port } = await proxy();
    receiver.present(selfSigned('receiver.test'));
    const outcome = await post({ allowed, proxyUrl: `http://127.0.0.1:${port}` });
    expect(outcome).toEqual({ kind: 'unreachable', reason: 'The certificate of the receiver is self-signed.' });
  });
});
