import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a signaling server asks a Nextcloud. */
interface Asked {
  readonly type: 'auth' | 'room' | 'ping';
  readonly auth?: { readonly params: { readonly userid: string } };
  readonly room?: { readonly roomid: string };
}

const PERMISSIONS = ['publish-audio', 'publish-video', 'publish-screen', 'control', 'transient-data'];

/** The part of a Nextcloud that both servers ask on hello 1.0 and on joins: it lets everybody in. */
export async function startFakeNextcloud(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    void answer(request).then((data) => {
      response.setHeader('content-type', 'application/json; charset=utf-8');
      response.end(JSON.stringify({ ocs: { meta: { status: 'ok', statuscode: 200, message: 'OK' }, data } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP listener's is never a string
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close().closeAllConnections() };
}

async function answer(request: IncomingMessage): Promise<object> {
  if (request.method === 'GET') return { version: {}, capabilities: { spreed: { features: [], config: {} } } };
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked;
  if (asked.type === 'auth') {
    const userid = asked.auth?.params.userid;
    return { type: 'auth', auth: { version: '1.0', userid, user: { displayname: userid } } };
  }
  if (asked.type === 'ping') return { type: 'room', room: { version: '1.0' } };
  const roomid = asked.room?.roomid;
  return { type: 'room', room: { version: '1.0', roomid, properties: { name: roomid }, permissions: PERMISSIONS } };
}
