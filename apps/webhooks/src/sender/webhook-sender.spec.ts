import { once } from 'node:events';
import { createServer, Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { ReachPolicy } from '@parley/server-kit';
import { startReceiver, type Receiver } from '@parley/testing';
import { ANSWER_LIMIT_BYTES, WebhookSender, type PostingOutcome } from './webhook-sender';

const never = new AbortController().signal;
const servers: NetServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    if (server instanceof Server) server.closeAllConnections();
    server.close();
  }
});

describe('the sender', () => {
  let receiver: Receiver;
  const senders: WebhookSender[] = [];
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await Promise.all(senders.splice(0).map((sender) => sender.close()));
    await receiver.close();
  });

  /** A sender whose names resolve as told; answers what was asked of the name server as well. */
  function senderWith(names: Record<string, string[]> = {}, extraPorts: number[] = []) {
    const asked: string[] = [];
    const resolve = async (name: string): Promise<string[]> => {
      asked.push(name);
      const addresses = names[name];
      if (addresses === undefined) throw new Error('no such name');
      return addresses;
    };
    const sender = new WebhookSender({ resolve, extraPorts });
    senders.push(sender);
    const post = (url: string, policy: ReachPolicy = 'local-too', deadlineMs = 15_000): Promise<PostingOutcome> =>
      sender.post({ url, policy, body: '{}', deadlineMs, stop: never });
    return { sender, asked, post };
  }

  test('dials the address it checked and keeps the name in Host', async () => {
    const { post, asked } = senderWith({ 'receiver.test': ['127.0.0.1'] });
    expect(await post(`http://receiver.test:${receiver.port}/x`)).toMatchObject({ kind: 'answered', status: 200 });
    expect(receiver.requests[0]?.headers.host).toBe(`receiver.test:${receiver.port}`);
    expect(asked).toEqual(['receiver.test']);
  });

  test('names the host in TLS, not the address', async () => {
    const names: string[] = [];
    const server = createTlsServer({
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error('that was all we wanted to know'));
      },
    });
    server.on('tlsClientError', () => undefined);
    const port = await listen(server);
    const { post } = senderWith({ 'receiver.test': ['127.0.0.1'] });
    expect(await post(`https://receiver.test:${port}/`)).toMatchObject({ kind: 'unreachable' });
    expect(names).toEqual(['receiver.test']);
  });

  test('takes the next address when one refuses', async () => {
    const { post } = senderWith({ 'receiver.test': ['127.0.0.2', '127.0.0.1'] });
    expect(await post(`http://receiver.test:${receiver.port}/`)).toMatchObject({ kind: 'answered' });
  });

  test.each([
    ['a name that leads inside', 'https://inside.test'],
    ['a name of which one address leads inside', 'https://mixed.test'],
    ['a literal', 'https://127.0.0.1'],
    ['an odd literal', 'https://2130706433'],
    ['a mapped literal', 'https://[::ffff:127.0.0.1]'],
  ])('refuses %s, without knocking', async (_what, origin) => {
    let knocks = 0;
    const server = createServer().on('connection', () => (knocks += 1));
    const port = await listen(server);
    const { post } = senderWith({ 'inside.test': ['127.0.0.1'], 'mixed.test': ['127.0.0.1', '93.184.216.34'] }, [port]);
    const reason = expect.stringContaining('public internet') as unknown;
    expect(await post(`${origin}:${port}/`, 'public')).toMatchObject({ kind: 'refused', reason });
    expect(knocks).toBe(0);
  });

  test('calls ordinary receivers on the usual ports and those of the allow-list, and asks for no name otherwise', async () => {
    const { post, asked } = senderWith({ 'inside.test': ['127.0.0.1'] }, [8443]);
    for (const port of [25, 8080, 8444]) {
      const reason = 'Receivers are called on the ports 80, 443, 8443 only.';
      expect(await post(`https://inside.test:${port}/`, 'public')).toEqual({ kind: 'refused', reason });
    }
    expect(asked).toEqual([]);
    for (const origin of ['https://inside.test', 'https://inside.test:80', 'https://inside.test:8443']) {
      const reason = expect.stringContaining('public internet') as unknown;
      expect(await post(origin, 'public')).toMatchObject({ kind: 'refused', reason });
    }
  });

  test('refuses private networks to the demo domain too', async () => {
    const { post } = senderWith({ 'lan.test': ['192.168.0.10'] });
    expect(await post('http://lan.test/')).toMatchObject({ kind: 'refused' });
    expect(await post('http://169.254.169.254/latest/meta-data/')).toMatchObject({ kind: 'refused' });
  });

  test('does not lend connections of the demo domain to ordinary ones', async () => {
    const { post } = senderWith();
    expect(await post(receiver.url)).toMatchObject({ kind: 'answered' });
    expect(await post(receiver.url, 'public')).toMatchObject({ kind: 'refused' });
    expect(receiver.requests).toHaveLength(1);
  });

  test('reads no more of an endless answer than it keeps', async () => {
    const url = await streaming((response) => {
      const more = (): void => {
        while (response.write('x'.repeat(8_192)));
        response.once('drain', more);
      };
      more();
    });
    const { post } = senderWith();
    const outcome = await post(url);
    expect(outcome).toMatchObject({ kind: 'answered', status: 200 });
    expect(outcome.kind === 'answered' && outcome.body.length).toBe(ANSWER_LIMIT_BYTES);
  });

  test('is not held up by an answer that drips: the status counts', async () => {
    const url = await streaming((response) => response.write('drip'));
    const { post } = senderWith();
    // The status has to be there by then.
    expect(await post(url, 'local-too', 4_000)).toEqual({ kind: 'answered', status: 200, body: 'drip' });
  });

  test('says what was wrong without naming addresses', async () => {
    const { post, sender } = senderWith();
    receiver.answer({ failure: 'drop' });
    expect(await post(receiver.url)).toEqual({ kind: 'unreachable', reason: 'The receiver broke the connection.' });
    expect(await post('http://nowhere.test/')).toEqual({
      kind: 'unreachable',
      reason: 'The receiver cannot be called.',
    });
    receiver.answer({ failure: 'hang' });
    expect(await post(receiver.url, 'local-too', 500)).toEqual({ kind: 'timeout' });
    const before = receiver.requests.length;
    const stop = new AbortController();
    const posting = sender.post({
      url: receiver.url,
      policy: 'local-too',
      body: '',
      deadlineMs: 15_000,
      stop: stop.signal,
    });
    await receiver.waitFor(before + 1);
    stop.abort();
    expect(await posting).toEqual({ kind: 'interrupted' });
  });
});

async function listen(server: NetServer): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function streaming(write: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200);
    write(response);
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}
