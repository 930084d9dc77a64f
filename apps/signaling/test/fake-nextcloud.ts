import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the signaling server sent it. */
export interface BackendRequest {
  readonly type: string;
  readonly auth?: { version: string; params: { userid?: string; ticket?: string } };
  readonly room?: { version: string; roomid: string; userid?: string; sessionid: string; action?: string };
}

const PATH = '/ocs/v2.php/apps/spreed/api/v3/signaling/backend';

/**
 * The part of a Nextcloud that the signaling server asks: who comes in, and into which room. Checks the checksum by
 * itself. Rooms called `secret-…` are refused, those called `quiet-…` give no `control` permission.
 */
export class FakeNextcloud {
  readonly requests: BackendRequest[] = [];
  private readonly server: Server;

  private constructor(private readonly secret: string) {
    this.server = createServer((request, response) => {
      void this.answer(request).then((data) => {
        response.setHeader('content-type', 'application/json; charset=utf-8');
        response.end(JSON.stringify({ ocs: { meta: { status: 'ok', statuscode: 200 }, data } }));
      });
    });
  }

  static async start(secret: string): Promise<FakeNextcloud> {
    const fake = new FakeNextcloud(secret);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  /** Base URL, with a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage): Promise<object> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const random = String(request.headers['spreed-signaling-random']);
    const expected = createHmac('sha256', this.secret).update(random).update(body).digest('hex');
    const genuine = random.length >= 32 && request.headers['spreed-signaling-checksum'] === expected;
    if (request.url !== PATH || !genuine) return refusal('invalid_request');
    const asked = JSON.parse(body.toString('utf8')) as BackendRequest;
    this.requests.push(asked);
    return asked.type === 'auth' ? authAnswer(asked) : roomAnswer(asked);
  }
}

function authAnswer({ auth }: BackendRequest): object {
  if (auth?.params.ticket !== 'good') return refusal('invalid_ticket');
  const { userid } = auth.params;
  const user = { displayname: `Displayname ${userid}` };
  return { type: 'auth', auth: { version: '1.0', userid, user: userid === undefined ? [] : user } };
}

function roomAnswer({ room }: BackendRequest): object {
  const roomid = room?.roomid ?? '';
  if (roomid.startsWith('secret')) return refusal('no_such_room');
  const permissions = roomid.startsWith('quiet') ? ['publish-audio'] : undefined;
  return { type: 'room', room: { version: '1.0', roomid, properties: { name: roomid }, permissions } };
}

function refusal(code: string): object {
  return { type: 'error', error: { code, message: `refused: ${code}` } };
}
